// Why a slot looks as it does at a moment, in sentences. Knows lanes and their timelines; draws nothing.

const RULES = {
  threshold: "above the threshold",
  fixed: "among the surest: every step commits the same number",
  factor: "sure enough for as many at once as in this step (factor rule)",
  entropy: "among the slots whose entropies together stay within the bound (entropy rule)",
  stability: "above the threshold, and its distribution kept still over two passes (stability rule)",
  minimum: "the rule alone would have waited, but it is among the surest: a step must commit its share",
  "last-step": "the last step commits whatever is left",
  draft: "the last pass of a draft fills whatever is left",
};

// The sentences, most important first.
function explain(stage, lane, position, count) {
  const { timeline } = lane;
  const standing = timeline.standing(position, count);
  const state = timeline.contentAt(position, count);
  const said = [...STANDINGS[standing](lane, position, count, state)];
  if (standing !== "token") return said;
  said.push(...whatArSays(lane, position, count, state));
  const other = stage.beside(lane, position);
  if (other) {
    const beside = stage.counterpart(lane);
    said.push(`${beside.look.label}, in the end: ${other.id === state.id ? "the same token here" : quoted(beside, other.id, position)}`);
  }
  const before = stage.comparison.tokenOf(lane, position);
  if (before) said.push(`run A: ${before.id === state.id ? "the same token here" : before.text}`);
  return said;
}

// By what `Timeline.standing` says.
const STANDINGS = {
  ghost: () => ["not open yet"],
  beyond(lane) {
    const stopped = lane.timeline.finished.reason === "cancelled";
    return [stopped ? "behind the first gap of a stopped run: not counted" : "after the end of the text: not counted"];
  },
  mask(lane, position, count, state) {
    const { timeline } = lane;
    if (state.draft) {
      const draft = quoted(lane, state.draft.id, position);
      return [`${blockName(lane, state.draft.block)}${draft} was drafted here and taken back: a draft before it was rejected, and it was made to follow that one`];
    }
    const block = timeline.blockAt(count, position);
    const proposal = timeline.proposalAt(position, count);
    return [blockName(lane, block.block) + (proposal ? `still masked after step ${proposal.step + 1}` : "masked, no pass has seen it yet")];
  },
  draft: (lane, position, count, state) => [
    `${blockName(lane, state.block)}${drafted(lane, state, position)}; it waits for its verification`,
    `rule: ${RULES[state.rule]}`,
  ],
  token(lane, position, count, state) {
    const said = [blockName(lane, state.block) + COMMITTED[state.origin](lane, state, position)];
    if (state.rule) said.push(`rule: ${RULES[state.rule]}`);
    return said;
  },
};

// How a token came to stand, by its origin.
const COMMITTED = {
  committed: (lane, state, position) => `${quoted(lane, state.id, position)} committed in step ${state.step + 1} at ${percent(state.confidence)}`,
  decoded: (lane, state, position) => `${quoted(lane, state.id, position)} committed at ${percent(state.confidence)}`,
  accepted: (lane, state, position) => `${drafted(lane, state, position)}, and accepted: AR puts the same token there`,
  lenient: (lane, state, position) => `${drafted(lane, state, position)}, and accepted leniently: AR would have put another token there, but gives this one enough`,
  replaced(lane, state, position) {
    const draft = state.draft ? `${drafted(lane, state.draft, position)}; ` : "";
    return `${draft}AR put ${quoted(lane, state.id, position)} in its place`;
  },
  bonus: (lane, state, position) => `${quoted(lane, state.id, position)} is AR's own: all drafts before it were accepted, and the verification gives the token behind them too`,
  prefill: (lane, state, position) => `${quoted(lane, state.id, position)} is AR's own, at ${percent(state.confidence)}: the prefill gives the first token`,
  anchor: (lane, state, position) => `${quoted(lane, state.id, position)} is AR's own, at ${percent(state.confidence)}: the anchor that the block begins with`,
  pinned: (lane, state, position) => `${quoted(lane, state.id, position)} is pinned: it stands from the start, and the denoiser writes around it`,
};

// What autoregression, the context tower, gives the token that stands here; nothing where it chose the token itself.
function whatArSays(lane, position, count, state) {
  const { judged } = lane.timeline.slots[position];
  if (lane.look.lane === "autoregressive" || state.origin === "prefill") return [];
  if (judged && judged.event < count) {
    const own = judged.choice === state.id;
    const choice = own ? "it is AR's own choice" : `AR's own choice is ${quoted(lane, judged.choice, position)}`;
    return [`AR's probability of it, given what stands before: ${percent(judged.probability)}; ${choice}`];
  }
  if (lane.timeline.settings.candidates === 0) return ["what AR thinks of it was not recorded"];
  if (judged || lane.text === null) return [lane.timeline.verifying ? "AR judges it with its round" : "AR judges it when the block is finished"];
  if (lane.timeline.finished.reason === "cancelled") return ["AR has not judged it: the run was stopped inside the block"];
  return ["AR's probability of it was not recorded"];
}

function drafted(lane, state, position) {
  return `${quoted(lane, state.id, position)} drafted in step ${state.step + 1} at ${percent(state.confidence)}`;
}

// "round 2, " or "block 2, "; nothing in a lane without blocks.
function blockName(lane, block) {
  if (!lane.timeline.blocks.length) return "";
  return `${lane.timeline.verifying ? "round" : "block"} ${block + 1}, `;
}

// A token of a lane in words; while the lane runs, texts are known by their slots alone.
function quoted(lane, id, position) {
  if (lane.timeline.endIds.includes(id)) return "end of text";
  const there = lane.timeline.slots[position]?.id === id ? lane.texts[position] : "";
  return `“${spelled(lane.pieces[id] ?? there ?? "")}”`;
}

// The text of a token with its spaces: " the" and "the" are two tokens.
function spelled(text) {
  return text === "" ? "⋯" : text.replaceAll("\n", "↵").replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
}

function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}
