// The state of a lane after any number of its events. Knows the event log and no DOM: a player that jumps to step n
// calls `replayed(log, n)` and draws the result.

function emptyLane() {
  return {
    slots: [], // {kind: "mask" | "token", block, id, confidence, step, rule}
    passes: { denoiser: 0, context: 0, step: 0 },
    prefill: 0, // time at which decoding began
    time: 0,
    committed: 0,
    curve: [[0, 0]], // [seconds, tokens]
    endIds: [],
    finished: null,
  };
}

// Changes `lane` by one event and returns the positions it touched.
function advance(lane, event) {
  lane.time = event.time;
  const apply = APPLY[event.event];
  const touched = apply ? apply(lane, event) : [];
  lane.curve.push([lane.time, lane.committed]);
  return touched;
}

function replayed(log, count = log.length) {
  const lane = emptyLane();
  for (const event of log.slice(0, count)) if (event) advance(lane, event);
  return lane;
}

const APPLY = {
  Started(lane, event) {
    lane.endIds = event.end_token_ids;
    return [];
  },
  Prefilled(lane, event) {
    lane.prefill = event.time;
    return [];
  },
  BlockOpened(lane, event) {
    const touched = [];
    for (let position = event.offset; position < event.offset + event.size; position++) {
      lane.slots[position] = { kind: "mask", block: event.block };
      touched.push(position);
    }
    return touched;
  },
  Denoised(lane, event) {
    lane.passes.denoiser += 1;
    const touched = [];
    for (const [position, id, confidence, rule] of event.proposals) {
      if (rule === null) continue;
      lane.slots[position] = { kind: "token", block: event.block, id, confidence, step: event.step, rule };
      lane.committed += 1;
      touched.push(position);
    }
    return touched;
  },
  ContextExtended(lane) {
    lane.passes.context += 1;
    return [];
  },
  TokenDecoded(lane, event) {
    if (event.seconds > 0) lane.passes.step += 1; // the first token comes from the prefill, without a pass of its own
    lane.committed += 1;
    lane.slots[event.position] = { kind: "token", id: event.id, confidence: event.probability };
    return [event.position];
  },
  Finished(lane, event) {
    lane.finished = { reason: event.reason, tokens: event.tokens };
    lane.committed = event.tokens;
    return Array.from(lane.slots.keys());
  },
};

// What the lane's header shows while it runs; the numbers that stay come from the server's metrics.
function liveFigures(lane) {
  const seconds = Math.max(0, lane.time - lane.prefill);
  const passes = lane.passes.denoiser + lane.passes.context + lane.passes.step;
  return { tokens: lane.committed, passes, seconds, tokens_per_second: seconds > 0 ? lane.committed / seconds : null };
}
