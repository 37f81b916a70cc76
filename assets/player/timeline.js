// A lane's log as a line one can stand on anywhere: what every slot was after any number of events. Knows no DOM.

class Timeline {
  constructor() {
    this.log = [];
    this.times = []; // seconds at each event
    this.tokens = []; // committed after each event
    this.passes = []; // of every kind, after each event
    this.touched = []; // positions each event changed
    this.slots = []; // by position, see `slotAt`
    this.blocks = []; // {block, offset, size, opened, steps}
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
    this.tokens.push(this.tokens.at(-1) ?? 0);
    this.passes.push(this.passes.at(-1) ?? 0);
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

  // "ghost" before its block opens, "mask", "token"; "beyond" where a text has ended before it.
  standing(position, count) {
    const slot = this.slots[position];
    const ended = this.finished && this.finished.event < count;
    if (ended && position >= this.finished.tokens && (slot?.opened ?? Infinity) < count) return "beyond";
    if (!slot || slot.opened >= count) return "ghost";
    return slot.committed < count ? "token" : "mask";
  }

  // What the denoiser last proposed for a slot, or how an autoregressive lane chose it; null before.
  proposalAt(position, count) {
    return this.slots[position]?.past.findLast((proposal) => proposal.event < count) ?? null;
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
    const seconds = Math.max(0, (this.times[count - 1] ?? 0) - this.prefill);
    const tokens = this.tokens[count - 1] ?? 0;
    const passes = this.passes[count - 1] ?? 0;
    return { tokens, passes, seconds, tokens_per_second: passes > 0 && seconds > 0 ? tokens / seconds : null };
  }

  commit(position, number, token) {
    Object.assign(this.slots[position], { committed: number, ...token });
    if (position < this.kept) this.tokens[number] += 1;
  }
}

function timelineOf(log) {
  const timeline = new Timeline();
  timeline.kept = log.at(-1)?.tokens ?? Infinity;
  for (const event of log) timeline.add(event);
  return timeline;
}

// A slot: when it was opened and committed (event numbers), what it holds, every proposal it ever had.
function newSlot(block, opened) {
  return { block, opened, committed: Infinity, id: null, confidence: null, step: null, rule: null, ar: null, judged: Infinity, past: [] };
}

// One reader an event: notes it down and returns the positions it changed.
const READ = {
  Started(line, event) {
    line.endIds = event.end_token_ids;
    line.settings = event.settings;
    return [];
  },
  Prefilled(line, event) {
    line.prefill = event.time;
    return [];
  },
  BlockOpened(line, event, number) {
    line.blocks.push({ block: event.block, offset: event.offset, size: event.size, opened: number, steps: 0 });
    const positions = Array.from({ length: event.size }, (_, i) => event.offset + i);
    for (const position of positions) line.slots[position] = newSlot(event.block, number);
    return positions;
  },
  Denoised(line, event, number) {
    line.passes[number] += 1;
    const block = line.blocks.at(-1);
    if (block) block.steps = event.step + 1;
    const touched = [];
    for (const [position, id, confidence, rule, candidates] of event.proposals) {
      const slot = line.slots[position];
      if (!slot) continue;
      slot.past.push({ event: number, step: event.step, id, confidence, rule, candidates });
      if (rule === null) continue;
      line.commit(position, number, { id, confidence, step: event.step, rule });
      touched.push(position);
    }
    return touched;
  },
  ContextExtended(line, event, number) {
    line.passes[number] += 1;
    const block = line.blocks.find((each) => each.block === event.block);
    event.log_probabilities.forEach((value, i) => {
      const slot = line.slots[(block?.offset ?? Infinity) + i];
      if (slot) Object.assign(slot, { ar: Math.exp(value), judged: number });
    });
    return [];
  },
  TokenDecoded(line, event, number) {
    if (event.seconds > 0) line.passes[number] += 1; // the first token comes from the prefill, without a pass of its own
    const { position, id, probability, candidates = [] } = event;
    line.slots[position] = newSlot(0, number);
    line.slots[position].past.push({ event: number, step: null, id, confidence: probability, rule: null, candidates });
    line.commit(position, number, { id, confidence: probability });
    return [position];
  },
  Finished(line, event, number) {
    line.finished = { reason: event.reason, tokens: event.tokens, event: number };
    line.tokens[number] = event.tokens;
    return Array.from(line.slots.keys());
  },
};
