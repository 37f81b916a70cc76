// A lane's log as a line one can stand on anywhere: what every slot was after any number of events. Knows no DOM.

class Timeline {
  constructor() {
    this.log = [];
    this.times = []; // seconds at each event
    this.tokens = []; // of the text, after each event; a draft is none yet
    this.passes = []; // of every kind, after each event
    this.rounds = []; // of draft and verify, after each event
    this.accepted = []; // drafts that stayed, after each event
    this.touched = []; // positions each event changed
    this.slots = []; // by position
    this.blocks = []; // {block, offset, size, opened, steps}; in the verify lane a block is a round
    this.verifying = false; // what the denoiser commits waits for its verification
    this.prefill = 0; // seconds at which decoding began
    this.settings = {};
    this.endIds = [];
    this.finished = null; // {reason, tokens, event}
    this.kept = Infinity; // slots that are text, once it is known: what fills a block after an end token is none
  }

  get length() {
    return this.log.length;
  }

  get end() {
    return this.times.at(-1) ?? 0;
  }

  add(event) {
    const number = this.log.push(event) - 1;
    this.times.push(event.time);
    for (const sum of [this.tokens, this.passes, this.rounds, this.accepted]) sum.push(sum.at(-1) ?? 0);
    this.touched.push(READ[event.event]?.(this, event, number) ?? []);
  }

  // How many events have happened by then.
  countAt(seconds) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // "ghost" before its block opens, "mask", "draft", "token"; "beyond" where a text has ended before it.
  standing(position, count) {
    const slot = this.slots[position];
    const state = slot?.at(count);
    if (!state) return "ghost";
    const ended = this.finished && this.finished.event < count;
    return ended && position >= this.finished.tokens ? "beyond" : state.kind;
  }

  // What a slot holds then, see `Slot`; null before it is opened.
  contentAt(position, count) {
    return this.slots[position]?.at(count) ?? null;
  }

  // What the denoiser last proposed for a slot in the block, or round, that what it holds is of; how a token came there
  // from left to right; null before.
  proposalAt(position, count) {
    const state = this.contentAt(position, count);
    if (!state) return null;
    const block = state.block ?? state.draft?.block ?? this.blockAt(count, position)?.block;
    return this.slots[position].past.findLast((proposal) => proposal.event < count && proposal.block === block) ?? null;
  }

  // The block that opened last before then, null where there is none; `covering` a position, where one is given.
  blockAt(count, covering = null) {
    const covers = ({ offset, size }) => covering === null || (offset <= covering && covering < offset + size);
    return this.blocks.findLast((block) => block.opened < count && covers(block)) ?? null;
  }

  // The round of draft and verify that goes on: the block it drafts, null in other lanes and once the text has ended.
  roundAt(count) {
    return this.verifying && !(this.finished && this.finished.event < count) ? this.blockAt(count) : null;
  }

  // The block that is open and the latest step in it: {block, step}, or null.
  placeAt(count) {
    for (let number = count - 1; number >= 0; number--) {
      const event = this.log[number];
      if ("block" in event) return { block: event.block, step: event.step ?? null };
    }
    return null;
  }

  figuresAt(count) {
    const [tokens, passes, rounds, accepted] = [this.tokens, this.passes, this.rounds, this.accepted].map((sum) => sum[count - 1] ?? 0);
    const seconds = Math.max(0, (this.times[count - 1] ?? 0) - this.prefill);
    return {
      tokens,
      passes,
      seconds,
      tokens_per_second: passes > 0 && seconds > 0 ? tokens / seconds : null,
      accepted_per_round: rounds > 0 ? accepted / rounds : null,
    };
  }

  // Puts a token of the text into a slot, which appears now where it was not there.
  commit(position, number, token) {
    const slot = this.reach(position, number);
    if (slot.last.kind !== "token" && position < this.kept) this.tokens[number] += 1;
    slot.put(number, { rule: null, step: null, confidence: null, ...token, kind: "token" });
  }

  reach(position, number) {
    return (this.slots[position] ??= new Slot(number));
  }
}

function timelineOf(log) {
  const timeline = new Timeline();
  timeline.kept = log.at(-1)?.tokens ?? Infinity;
  for (const event of log) timeline.add(event);
  return timeline;
}
