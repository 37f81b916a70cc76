// The grid of slots: blocks of fixed cells, all of them there from the start, so that nothing ever moves.

const FLASH_MILLISECONDS = 250;

class SlotGrid {
  constructor(root, planned, blockSize) {
    this.root = root;
    this.blockSize = blockSize;
    this.cells = [];
    this.bracketed = null;
    root.replaceChildren();
    this.build(planned);
  }

  // A run never opens more slots than it planned.
  build(count) {
    while (this.cells.length < count) {
      const block = el("div", "tt-block");
      const size = Math.min(this.blockSize, count - this.cells.length);
      for (let i = 0; i < size; i++) {
        const cell = el("span", "tt-slot tt-ghost");
        cell.dataset.position = this.cells.length;
        cell.face = "";
        this.cells.push(cell);
        block.append(cell);
      }
      this.root.append(block);
    }
  }

  // Draws a face (see `slotFace`). What a cell shows already costs nothing: a scrub calls this for every slot it passes.
  paint(position, face) {
    const cell = this.cells[position];
    const key = `${face.className}|${face.text}|${face.colour ?? ""}`;
    if (cell.face === key) return;
    cell.face = key;
    const marks = MARKS.filter((mark) => cell.classList.contains(mark));
    cell.className = ["tt-slot", face.className, ...marks].join(" ");
    setText(cell, face.text);
    cell.style.cssText = face.colour
      ? `--tt-letters:${lettersWide(face.text)};background-color:rgb(${face.colour});color:${inkOn(face.colour)}`
      : `--tt-letters:${lettersWide(face.text)}`;
  }

  // A commit flashes for a moment. No animation: that would redraw the page 60 times a second beside a model at work.
  flash(positions) {
    const cells = positions.map((position) => this.cells[position]);
    for (const cell of cells) cell.classList.add("tt-fresh");
    setTimeout(() => cells.forEach((cell) => cell.classList.remove("tt-fresh")), FLASH_MILLISECONDS);
  }

  // Puts a mark (a class of `MARKS`) on exactly these positions.
  mark(name, positions) {
    const wanted = new Set(positions);
    this.cells.forEach((cell, position) => cell.classList.toggle(name, wanted.has(position)));
  }

  // The slots of a round of draft and verify; null for none.
  bracket(block) {
    if (block === this.bracketed) return;
    const cellsOf = (each) => (each ? this.cells.slice(each.offset, each.offset + each.size) : []);
    for (const cell of cellsOf(this.bracketed)) cell.classList.remove("tt-round");
    for (const cell of cellsOf(block)) cell.classList.add("tt-round");
    this.bracketed = block;
  }
}

// Marks lie over a face and outlive its changes.
const MARKS = ["tt-fresh", "tt-inspected", "tt-locked", "tt-differs", "tt-waits", "tt-earlier", "tt-round"];

// What a slot looks like after `count` events: class, text, colour.
function slotFace(lane, position, count, colour) {
  const { timeline } = lane;
  const kind = timeline.standing(position, count);
  if (kind === "ghost") return { className: "tt-ghost", text: "" };
  const state = timeline.contentAt(position, count);
  if (kind === "mask") {
    // What was drafted here stays to be read until the next draft looks at the slot.
    return state.draft ? { className: "tt-mask tt-rejected", text: lane.wordIn(state.draft, position) } : { className: "tt-mask", text: "" };
  }
  if (kind === "beyond") {
    if (state.id === null) return { className: "tt-mask tt-still tt-beyond", text: "" };
    // Words behind the first gap of a stopped run stay to be read; what fills a block after its end token is no text.
    const stopped = timeline.finished.reason === "cancelled";
    return { className: "tt-token tt-beyond", text: stopped ? visible(lane.textAt(position, count)) : "" };
  }
  const text = timeline.endIds.includes(state.id) ? "■" : visible(lane.textAt(position, count));
  if (kind === "draft") return { className: "tt-draft", text };
  return { className: `tt-token tt-is-${state.origin}`, text, colour: colour(state, position) };
}

// How many letters of common width a text takes: "mom" needs the room of four.
function lettersWide(text) {
  return [...text].reduce((sum, letter) => sum + (/[mwMW@%]/.test(letter) ? 1.45 : 1), 0);
}

// White space has no ink of its own, and half a character waits for its other half.
function visible(text) {
  if (text === "") return "⋯";
  if (text.trim() === "") return text.includes("\n") ? "↵" : "␣";
  return text.trim().replaceAll("\n", "↵");
}
