// One reader an event: notes it down on a timeline and returns the positions it changed.
//
// ORIGINS, how a token came to stand: "committed" by a denoising step; "accepted", "lenient", "replaced" or "bonus" by a
// verification; "anchor" of a diffusion block and "prefill", autoregression's own without a pass; "pinned"; "decoded"
// from left to right.

const READ = {
  Started(line, event) {
    line.endIds = event.end_token_ids;
    line.settings = event.settings;
    line.verifying = event.lane === "verify";
    return [];
  },
  Prefilled(line, event) {
    line.prefill = event.time;
    return [];
  },
  // In the verify lane a block lies over what is there: its first slot keeps its token, the others are masked already.
  BlockOpened(line, event, number) {
    line.blocks.push({ block: event.block, offset: event.offset, size: event.size, opened: number, steps: 0 });
    const positions = Array.from({ length: event.size }, (_, i) => event.offset + i);
    for (const position of positions) line.reach(position, number);
    for (const [position, id] of event.pinned ?? []) line.commit(position, number, { id, block: event.block, origin: "pinned" });
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
      const proposal = { block: event.block, step: event.step, id, confidence, rule };
      slot.past.push({ ...proposal, event: number, candidates });
      if (rule === null && !slot.last.draft) continue;
      if (rule === null) slot.put(number, { kind: "mask", id: null }); // what was drafted before is forgotten
      else if (line.verifying) slot.put(number, { kind: "draft", ...proposal });
      else line.commit(position, number, { ...proposal, origin: "committed" });
      touched.push(position);
    }
    return touched;
  },
  ContextExtended(line, event, number) {
    line.passes[number] += 1;
    return [];
  },
  Verified(line, event, number) {
    line.passes[number] += 1;
    line.rounds[number] += 1;
    line.accepted[number] += event.accepted;
    const round = line.blocks.at(-1);
    if (!round) return [];
    const first = round.offset + 1;
    const following = first + event.accepted;
    for (let position = first; position < following; position++) {
      line.commit(position, number, { ...line.slots[position].last, origin: "accepted" });
    }
    const draft = line.slots[following]?.last;
    if (event.id !== null) {
      const rejected = event.accepted < event.drafted.length;
      const origin = rejected ? "replaced" : "bonus";
      line.commit(following, number, { id: event.id, block: event.block, origin, draft: rejected ? draft : null });
    }
    const touched = Array.from({ length: event.accepted + (event.id === null ? 0 : 1) }, (_, i) => first + i);
    for (let position = first + touched.length; position < line.slots.length; position++) {
      const { last } = line.slots[position];
      if (last.kind === "mask") continue;
      line.slots[position].put(number, { kind: "mask", id: null, draft: last });
      touched.push(position);
    }
    return touched;
  },
  // Only now it is known what autoregression gives its own token, and whether an accepted one is another than its own.
  Judged(line, event, number) {
    const touched = [];
    event.log_probabilities.forEach((value, i) => {
      const position = event.position + i;
      const slot = line.slots[position];
      if (!slot) return;
      const probability = Math.min(1, Math.exp(value));
      slot.judged = { event: number, probability, choice: event.choices[i], candidates: event.candidates?.[i] ?? [] };
      const { last } = slot;
      if (last.origin === "accepted" && last.id !== event.choices[i]) slot.put(number, { ...last, origin: "lenient" });
      else if (last.confidence === null && last.origin !== "pinned") slot.put(number, { ...last, confidence: probability });
      else return;
      touched.push(position);
    });
    return touched;
  },
  TokenDecoded(line, event, number) {
    if (event.seconds > 0) line.passes[number] += 1; // the others come from a pass that was made before
    const { position, id, probability, candidates = [] } = event;
    const block = line.blocks.at(-1)?.block ?? 0;
    const origin = line.blocks.length === 0 ? "decoded" : line.verifying ? "prefill" : "anchor";
    line.commit(position, number, { id, confidence: probability, block, origin });
    line.slots[position].past.push({ event: number, block, step: null, id, confidence: probability, rule: null, candidates });
    return [position];
  },
  Finished(line, event, number) {
    line.finished = { reason: event.reason, tokens: event.tokens, event: number };
    line.tokens[number] = event.tokens;
    return Array.from(line.slots.keys());
  },
};
