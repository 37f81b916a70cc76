// The two towers side by side, row by row, and what crosses between them.

const FOLDED_FROM = 25; // a tower of fewer layers is drawn whole at first

class AnatomyView {
  constructor(root) {
    this.drawing = el("div", "tt-towers");
    this.facts = el("div", "tt-side");
    this.facts.role = "region";
    this.facts.setAttribute("aria-label", "About this row");
    this.facts.tabIndex = 0; // it scrolls where there is little room, by keyboard too
    this.tables = el("div", "tt-counts");
    const pair = el("div", "tt-anatomy-pair");
    pair.append(this.drawing, this.facts);
    root.append(pair, this.tables);
  }

  show(model) {
    this.model = model;
    this.folded = model.layers >= FOLDED_FROM;
    this.draw();
    this.tables.replaceChildren(partsTable(model), memoryTable(model));
  }

  // ---- the drawing

  draw() {
    this.rows = [];
    this.list = el("div", "tt-rows");
    this.list.role = "listbox";
    this.list.setAttribute("aria-label", "The two towers, from the tokens in to the tokens out");
    for (const row of this.model.before) this.list.append(this.row(row, null));
    for (const group of this.groups()) this.list.append(this.group(group));
    for (const row of this.model.after) this.list.append(this.row(row, null));
    this.listen();
    this.drawing.replaceChildren(this.heads(), this.list);
    this.choose(this.rows[0]);
  }

  groups() {
    if (this.folded) return this.model.groups;
    return [{ first: 1, kinds: this.model.groups.map(({ kinds, times }) => kinds.repeat(times)).join(""), times: 1 }];
  }

  heads() {
    const heads = el("div", "tt-tower-heads");
    const [context, denoiser] = TOWERS.map(({ key, name, state, about }) => {
      const head = el("div", `tt-tower-head tt-${key}`);
      head.append(el("h3", "tt-tower-name", name), el("p", "", `${state}, ${about}`));
      return head;
    });
    heads.append(el("span"), context, this.foldButton(), denoiser);
    return heads;
  }

  foldButton() {
    const middle = el("div", "tt-cross-head");
    middle.append(el("span", "", "hands over"));
    if (this.model.groups.every(({ times }) => times === 1)) return middle;
    const button = el("button", "tt-link", this.folded ? `all ${this.model.layers} layers` : "fold repeats");
    button.type = "button";
    button.addEventListener("click", () => {
      this.folded = !this.folded;
      this.draw();
      this.drawing.querySelector(".tt-link").focus();
    });
    middle.append(button);
    return middle;
  }

  group({ first, kinds, times }) {
    const group = el("div", times > 1 ? "tt-fold" : "tt-plain");
    group.role = "group";
    const last = first + kinds.length * times - 1;
    group.setAttribute("aria-label", times > 1 ? `layers ${first} to ${last}: the same ${kinds.length} ${times} times` : `layers ${first} to ${last}`);
    if (times > 1) {
      const count = el("span", "tt-times", `× ${times}`);
      count.ariaHidden = "true";
      group.append(count);
    }
    [...kinds].forEach((kind, i) => {
      const numbers = Array.from({ length: times }, (_, time) => first + i + time * kinds.length);
      group.append(this.row(this.model.kinds[kind], { kind, numbers }));
    });
    return group;
  }

  row(row, layer) {
    const node = el("div", layer ? "tt-row tt-layer" : "tt-row");
    node.role = "option";
    node.tabIndex = -1;
    node.ariaSelected = "false";
    if (layer) node.dataset.kind = layer.kind;
    else if (!row.context) node.classList.add("tt-time");
    const number = layer && layer.numbers.length === 1 ? `${layer.numbers[0]}` : "";
    node.append(el("span", "tt-row-number", number), this.cell(row, layer, "context"), this.crossing(row.crosses), this.cell(row, layer, "denoiser"));
    const facts = factsOf(row, layer, this.model.layers);
    node.setAttribute("aria-label", facts.map(([name, text]) => `${name && `${name}: `}${text.replace(/\.?$/, ".")}`).join(" "));
    node.facts = facts;
    this.rows.push(node);
    return node;
  }

  cell(row, layer, tower) {
    const cell = el("div", `tt-part tt-${tower}`);
    if (!row[tower]) {
      cell.classList.add("tt-none");
      return cell;
    }
    if (layer) cell.append(el("span", "tt-letter", layer.kind));
    cell.append(el("span", "tt-part-name", row.name), el("span", "tt-part-sizes", row.sizes), el("span", "tt-part-count", countOf(row[tower].parameters)));
    return cell;
  }

  crossing(crosses) {
    const cell = el("div", "tt-cross");
    if (!crosses) return cell;
    cell.classList.add("tt-arrow");
    cell.append(el("span", "tt-cross-what", crosses.what), el("span", "tt-cross-bytes", bytesCrossing(crosses)));
    return cell;
  }

  // ---- pointing and walking

  listen() {
    this.list.addEventListener("mousemove", (event) => {
      const row = event.target.closest(".tt-row");
      // A page that scrolls under a resting mouse, as walking with the keys makes it, points at nothing.
      if (row && (event.movementX || event.movementY)) this.tell(row);
    });
    this.list.addEventListener("mouseleave", () => this.tell(this.chosen));
    this.list.addEventListener("focusin", (event) => this.choose(event.target.closest(".tt-row")));
    this.list.addEventListener("click", (event) => event.target.closest(".tt-row")?.focus());
    this.list.addEventListener("keydown", (event) => {
      const at = this.rows.indexOf(this.chosen);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.rows.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.rows[Math.min(this.rows.length - 1, Math.max(0, to))].focus();
    });
  }

  choose(row) {
    for (const other of this.rows) {
      other.tabIndex = other === row ? 0 : -1;
      other.ariaSelected = `${other === row}`;
    }
    this.chosen = row;
    this.tell(row);
  }

  tell(row) {
    if (row === this.told) return;
    this.told = row;
    for (const other of this.rows) other.classList.toggle("tt-told", other === row);
    const [[, title], ...facts] = row.facts;
    const list = el("dl", "tt-side-facts");
    for (const [name, text] of facts) {
      const fact = el("div");
      fact.append(el("dt", "", name), el("dd", "", text));
      list.append(fact);
    }
    this.facts.replaceChildren(el("p", "tt-side-title", title), list, el("p", "tt-side-hint", "Point at a row, or walk through them with the arrow keys."));
  }
}

const anatomy = new AnatomyView(element.querySelector(".tt-anatomy"));
const show = () => props.value && anatomy.show(JSON.parse(props.value));
show();
watch("value", show);
