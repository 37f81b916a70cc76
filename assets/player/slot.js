// One slot of a lane through the whole run: what it held when, what was proposed for it, what autoregression said of it.
// A draft may be taken back, so a slot may fill and empty many times. Knows no events and no DOM.

class Slot {
  constructor(opened) {
    this.opened = opened; // number of the event at which it appeared
    // {event, kind: "mask" | "draft" | "token", block, id, confidence, step, rule, origin, draft}, in the order of events.
    // origin: how it came to stand, see `ORIGINS`; draft: the state it took the place of, where that was a draft.
    this.states = [{ event: opened, kind: "mask", id: null }];
    this.past = []; // every proposal it ever had: {event, block, step, id, confidence, rule, candidates}
    this.judged = null; // {event, probability, choice, candidates}, of the token that stays
  }

  // Its latest state before an event number; null before it was opened.
  at(count) {
    for (let number = this.states.length - 1; number >= 0; number--) {
      if (this.states[number].event < count) return this.states[number];
    }
    return null;
  }

  get last() {
    return this.states.at(-1);
  }

  // The token it holds in the end, or as far as the log goes; null for a mask.
  get id() {
    return this.last.id;
  }

  put(event, state) {
    // What it gets in the event in which it appears is what it appears with.
    if (this.last.event === event) this.states.pop();
    this.states.push({ ...state, event });
  }
}
