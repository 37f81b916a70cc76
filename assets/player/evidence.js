// What a slot's token was chosen from: tables of candidates, and the curve of its confidence. Knows lanes; no stage.

const CURVE = { width: 220, height: 92, pad: 6 };

// The likeliest tokens of one tower, the ones in `marks` (id -> word) marked; the first of those is set in bold.
class CandidateTable {
  constructor(className) {
    this.root = el("table", `tt-candidates ${className}`);
    this.caption = el("caption", "");
    this.rows = el("tbody");
    this.root.append(this.caption, this.rows);
  }

  // `candidates` are [id, probability]; where there are none, `otherwise` says why.
  show(lane, caption, candidates, marks, otherwise) {
    setText(this.caption, caption);
    const [chosen] = marks.keys();
    const rows = candidates.map(([id, probability]) => this.row(lane, id, probability, marks.get(id) ?? "", id === chosen));
    this.rows.replaceChildren(...(rows.length ? rows : [this.nothing(otherwise)]));
  }

  row(lane, id, probability, word, chosen) {
    const row = el("tr", chosen ? "tt-chosen" : "");
    const name = el("th", "", lane.timeline.endIds.includes(id) ? "end of text" : spelled(lane.pieces[id] ?? ""));
    name.scope = "row";
    const bar = el("td", "tt-share-cell");
    const fill = el("span", "tt-share");
    fill.style.width = `${100 * probability}%`;
    bar.append(fill);
    row.append(name, bar, el("td", "tt-number", percent(probability)), el("td", "tt-mark", word));
    return row;
  }

  nothing(text) {
    const row = el("tr");
    row.append(el("td", "tt-none", text));
    return row;
  }
}

// What the denoiser proposed last, or what a token from left to right was chosen from.
function showProposed(table, lane, position, count) {
  const proposal = lane.timeline.proposalAt(position, count);
  const state = lane.timeline.contentAt(position, count);
  const own = lane.look.lane === "autoregressive" || (proposal?.step === null && lane.look.lane !== "mock-ar");
  const marks = new Map(proposal ? [[proposal.id, proposedAs(state, proposal)]] : []);
  table.show(lane, own ? "AR's candidates" : "The denoiser's candidates", proposal?.candidates ?? [], marks, whyNone(lane, state, proposal));
}

function proposedAs(state, proposal) {
  if (state.kind === "mask") return state.draft ? "taken back" : "proposed";
  return state.kind === "token" && state.id === proposal.id ? "chosen" : "drafted";
}

function whyNone(lane, state, proposal) {
  if (lane.text === null) return "Candidates come when the lane has ended.";
  if (proposal) return "None were recorded.";
  return { pinned: "None: it was pinned.", bonus: "None: it was not drafted." }[state?.origin] ?? "No pass has looked at this slot yet.";
}

// What autoregression would have put there, where it has judged the slot by then; else the table is hidden.
function showJudged(table, lane, position, count) {
  const { judged } = lane.timeline.slots[position];
  const known = Boolean(judged) && judged.event < count && judged.candidates.length > 0;
  table.root.hidden = !known;
  if (!known) return;
  const { id } = lane.timeline.contentAt(position, count);
  const candidates = judged.candidates.some(([candidate]) => candidate === id) ? judged.candidates : [...judged.candidates, [id, judged.probability]];
  const marks = new Map([[judged.choice, "AR's choice"]]);
  if (id !== judged.choice) marks.set(id, "stands here");
  table.show(lane, "AR's candidates, given what stands before", candidates, marks, "");
}

// Confidence of what was proposed in a block, step by step, against the threshold where the rule has one.
class ConfidenceCurve {
  constructor() {
    this.root = el("figure", "tt-curve");
    this.caption = el("figcaption", "", "");
    this.svg = svgEl("svg", { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, role: "img" });
    this.root.append(this.caption, this.svg);
  }

  show(lane, position, count) {
    const { past } = lane.timeline.slots[position];
    const { unmasking, threshold } = lane.timeline.settings;
    // Before any pass has seen the slot: what it will be, but for a draft, which may yet be another one.
    const block = (lane.timeline.proposalAt(position, count) ?? (lane.timeline.verifying ? null : past[0]))?.block;
    const steps = past.filter((proposal) => proposal.step !== null && proposal.block === block);
    this.root.hidden = !steps.length;
    if (!steps.length) return;
    const limit = ["threshold", "stability"].includes(unmasking) ? threshold : null;
    this.draw(steps, count, limit);
    const said = limit === null ? "" : `; the dashed line is the threshold, ${limit}`;
    const last = steps.at(-1).step + 1;
    setText(this.caption, `Confidence ${last > 1 ? `over steps 1 to ${last}` : "in step 1"}${said}`);
    this.svg.setAttribute("aria-label", steps.map(({ step, confidence }) => `step ${step + 1}: ${percent(confidence)}`).join(", "));
  }

  draw(steps, count, limit) {
    const { width, height, pad } = CURVE;
    const most = Math.max(1, steps.at(-1).step);
    const x = (step) => pad + (step / most) * (width - 2 * pad);
    const y = (value) => height - pad - value * (height - 2 * pad);
    const line = (y1, className) => svgEl("line", { class: className, x1: 0, x2: width, y1, y2: y1 });
    const points = steps.map(({ step, confidence }) => `${x(step).toFixed(1)},${y(confidence).toFixed(1)}`).join(" ");
    const dots = steps.map(({ event, step, confidence, rule }) => {
      const className = `${rule ? "tt-dot-commit" : "tt-dot"}${event < count ? "" : " tt-later"}`;
      return svgEl("circle", { class: className, cx: x(step), cy: y(confidence), r: rule ? 4.5 : 2.5 });
    });
    const lines = [line(y(0), "tt-axis"), line(y(1), "tt-axis"), ...(limit === null ? [] : [line(y(limit), "tt-threshold")])];
    this.svg.replaceChildren(...lines, svgEl("polyline", { class: "tt-confidence", points }), ...dots);
  }
}
