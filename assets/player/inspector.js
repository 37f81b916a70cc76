// Why this token, here and now: the candidates of a slot at the shown moment, how sure the model was over the steps,
// the rule that committed it, and what the other lanes thought. Hover shows, a click locks, Esc frees.

const CURVE = { width: 220, height: 92, pad: 6 };

class Inspector {
  constructor(stage) {
    this.stage = stage;
    this.hovered = null; // {lane, position}
    this.locked = null;
    this.build();
  }

  build() {
    this.root = el("aside", "tt-inspector");
    this.root.setAttribute("aria-label", "Inspector");
    this.root.tabIndex = 0; // it scrolls where it is narrow
    this.hint = el("p", "tt-hint", "Point at a slot to see what else it could have been. Click to keep it, Esc to let go.");
    this.body = el("div", "tt-inspected-slot");
    this.title = el("h4", "tt-inspector-title");
    this.facts = el("ul", "tt-inspector-facts");
    this.table = el("table", "tt-candidates");
    this.table.append(el("caption", "", "Candidates at this moment"));
    this.rows = el("tbody");
    this.table.append(this.rows);
    const about = el("div", "tt-inspector-about");
    about.setAttribute("aria-live", "polite");
    about.append(this.title, this.facts);
    const curve = el("figure", "tt-curve");
    this.curve = svgEl("svg", { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, role: "img" });
    this.caption = el("figcaption", "", "");
    curve.append(this.caption, this.curve);
    this.body.append(about, this.table, curve);
    this.close = el("button", "tt-button tt-close", "Close");
    this.close.type = "button";
    this.close.addEventListener("click", () => this.free());
    this.root.append(this.hint, this.body, this.close);
  }

  get target() {
    return this.locked ?? this.hovered;
  }

  hover(target) {
    this.hovered = target;
    if (!this.locked) this.show();
  }

  lock(target) {
    const same = this.locked && target && this.locked.lane === target.lane && this.locked.position === target.position;
    this.locked = same ? null : target;
    this.hovered = this.locked;
    this.show();
  }

  free() {
    const held = this.target !== null;
    this.locked = this.hovered = null;
    this.show();
    return held;
  }

  // Arrow keys within a lane's grid.
  move(lane, by) {
    const last = lane.timeline.slots.length - 1;
    const from = this.target?.lane === lane ? this.target.position : by > 0 ? -1 : last + 1;
    const target = { lane, position: Math.max(0, Math.min(last, from + by)) };
    if (last < 0) return;
    if (this.locked) this.locked = target;
    this.hovered = target;
    this.show();
    lane.grid.cells[target.position].scrollIntoView({ block: "nearest" });
  }

  // Another slot: marks it in its grid.
  show() {
    const { target } = this;
    for (const lane of this.stage.lanes.values()) {
      lane.grid.mark("tt-inspected", target?.lane === lane ? [target.position] : []);
      lane.grid.mark("tt-locked", this.locked?.lane === lane ? [target.position] : []);
    }
    this.tell();
  }

  // The same slot at another moment.
  tell() {
    const { target } = this;
    const slot = target && target.lane.timeline.slots[target.position];
    this.root.dataset.open = Boolean(slot);
    this.body.hidden = !slot;
    this.hint.hidden = Boolean(slot);
    this.close.hidden = !slot;
    if (slot) this.describe(target.lane, target.position, slot);
  }

  describe(lane, position, slot) {
    const count = lane.shown;
    const proposal = lane.timeline.proposalAt(position, count);
    const standing = lane.timeline.standing(position, count);
    setText(this.title, `${lane.look.glyph} ${lane.look.label}, slot ${position + 1}`);
    const said = this.sentences(lane, position, slot, standing, proposal);
    if (said.join("\n") !== this.said) this.facts.replaceChildren(...said.map((text) => el("li", "", text)));
    this.said = said.join("\n");
    this.drawCandidates(lane, slot, proposal);
    this.drawCurve(lane, slot, count);
  }

  sentences(lane, position, slot, standing, proposal) {
    const said = [];
    const blocks = lane.timeline.blocks.length > 0;
    const where = blocks ? `block ${slot.block + 1}, ` : "";
    if (standing === "ghost") said.push(`${where}not open yet`);
    if (standing === "beyond") {
      const stopped = lane.timeline.finished.reason === "cancelled";
      said.push(stopped ? "behind the first gap of a stopped run: not counted" : "after the end of the text: not counted");
    }
    if (standing === "mask") said.push(proposal ? `${where}still masked after step ${proposal.step + 1}` : `${where}masked, no pass has seen it yet`);
    if (standing === "token") {
      const step = slot.step === null ? "" : ` in step ${slot.step + 1}`;
      said.push(`${where}${quoted(lane, slot.id, position)} committed${step} at ${percent(slot.confidence)}`);
      if (slot.rule) said.push(`rule: ${RULES[slot.rule]}`);
    }
    if (standing === "token" && blocks) said.push(this.arSays(lane, slot));
    const other = standing === "token" ? this.stage.beside(lane, position) : null;
    if (other) {
      const beside = this.stage.counterpart(lane);
      said.push(`${beside.look.label}, in the end: ${other.id === slot.id ? "the same token here" : quoted(beside, other.id, position)}`);
    }
    const before = standing === "token" ? this.stage.comparison.tokenOf(lane, position) : null;
    if (before) said.push(`run A: ${before.id === slot.id ? "the same token here" : before.text}`);
    return said;
  }

  arSays(lane, slot) {
    if (slot.ar !== null && slot.judged < lane.shown) return `AR's probability of it, given what stands before: ${percent(slot.ar)}`;
    if (slot.ar !== null || lane.text === null) return "AR judges it when the block is finished";
    if (slot.block === lane.timeline.blocks.at(-1).block) return "AR never judged it: the last block is not read again";
    return "AR's probability of it was not recorded";
  }

  drawCandidates(lane, slot, proposal) {
    const rows = (proposal?.candidates ?? []).map(([id, probability]) => {
      const row = el("tr", id === proposal.id ? "tt-chosen" : "");
      const bar = el("td", "tt-share-cell");
      const fill = el("span", "tt-share");
      fill.style.width = `${100 * probability}%`;
      bar.append(fill);
      const mark = id === proposal.id ? (slot.committed < lane.shown ? "chosen" : "proposed") : "";
      const name = el("th", "", spelled(lane.pieces[id] ?? ""));
      name.scope = "row";
      row.append(name, bar, el("td", "tt-number", percent(probability)), el("td", "tt-mark", mark));
      return row;
    });
    if (!rows.length) {
      const row = el("tr");
      const text = lane.text === null ? "Candidates come when the lane has ended." : proposal ? "None were recorded." : "No pass has looked at this slot yet.";
      row.append(el("td", "tt-none", text));
      rows.push(row);
    }
    this.rows.replaceChildren(...rows);
  }

  // Confidence of what was proposed, step by step, against the threshold.
  drawCurve(lane, slot, count) {
    const past = slot.past.filter(({ step }) => step !== null);
    this.curve.parentNode.hidden = !past.length;
    if (!past.length) return;
    const threshold = lane.timeline.settings.threshold;
    const { width, height, pad } = CURVE;
    const most = Math.max(1, past.at(-1).step);
    const x = (step) => pad + (step / most) * (width - 2 * pad);
    const y = (value) => height - pad - value * (height - 2 * pad);
    const line = (y1, className) => svgEl("line", { class: className, x1: 0, x2: width, y1, y2: y1 });
    const points = past.map(({ step, confidence }) => `${x(step).toFixed(1)},${y(confidence).toFixed(1)}`).join(" ");
    const dots = past.map((proposal) => {
      const now = proposal.event < count;
      const className = `${proposal.rule ? "tt-dot-commit" : "tt-dot"}${now ? "" : " tt-later"}`;
      return svgEl("circle", { class: className, cx: x(proposal.step), cy: y(proposal.confidence), r: proposal.rule ? 4.5 : 2.5 });
    });
    this.curve.replaceChildren(line(y(0), "tt-axis"), line(y(1), "tt-axis"), line(y(threshold), "tt-threshold"), svgEl("polyline", { class: "tt-confidence", points }), ...dots);
    setText(this.caption, `Confidence over steps 1 to ${past.at(-1).step + 1}; the dashed line is the threshold, ${threshold}`);
    this.curve.setAttribute("aria-label", past.map(({ step, confidence }) => `step ${step + 1}: ${percent(confidence)}`).join(", "));
  }
}

// A token of a lane in words; while the lane runs, texts are known by their slots alone.
function quoted(lane, id, position) {
  return lane.timeline.endIds.includes(id) ? "end of text" : `“${spelled(lane.pieces[id] ?? lane.texts[position] ?? "")}”`;
}

// The text of a token with its spaces: " the" and "the" are two tokens.
function spelled(text) {
  return text === "" ? "⋯" : text.replaceAll("\n", "↵").replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
}

function percent(value) {
  return `${(100 * value).toFixed(1)} %`;
}
