// The grid of slots: blocks of fixed cells, all of them there from the start, so that nothing ever moves.

const PER_ROW = 16;
const FLASH_MESSAGES = 5;

class SlotGrid {
  constructor(root, planned, blockSize) {
    this.root = root;
    this.blockSize = blockSize;
    this.planned = planned;
    this.cells = [];
    this.flash = []; // committed since the last tick
    this.flashes = [];
    root.replaceChildren();
    this.grow(planned);
  }

  // A run never opens more than it planned; a recorded one may.
  grow(count) {
    while (this.cells.length < count) {
      const block = el("div", "tt-block");
      const size = Math.min(this.blockSize, Math.max(count, this.planned) - this.cells.length);
      for (let i = 0; i < size; i++) {
        const cell = el("span", "tt-slot tt-ghost");
        cell.dataset.position = this.cells.length;
        this.cells.push(cell);
        block.append(cell);
      }
      this.root.append(block);
    }
  }

  // A commit flashes from its message to one a few later. The messages are the flash's clock: an animation of its own
  // would redraw the page 60 times a second beside a model that may need the processor.
  tick() {
    this.flashes.push(this.flash);
    for (const cell of this.flash) cell.classList.add("tt-fresh");
    this.flash = [];
    if (this.flashes.length > FLASH_MESSAGES) this.endFlash(this.flashes.shift());
  }

  endFlash(cells = this.flashes.flat()) {
    for (const cell of cells) cell.classList.remove("tt-fresh");
  }

  paint(position, slot, text, lane, live) {
    this.grow(position + 1);
    const cell = this.cells[position];
    const face = slotFace(position, slot, text, lane);
    const className = `tt-slot ${face.className}`;
    if (cell.className.replace(" tt-fresh", "") !== className) {
      cell.className = className; // the same again would start the shimmer over
      if (live && face.fresh) this.flash.push(cell);
    }
    setText(cell, face.text);
    cell.title = face.title;
    cell.style.setProperty("--tt-letters", face.letters); // the style sheet shrinks long tokens by it
    cell.style.backgroundColor = face.colour ? `rgb(${face.colour})` : "";
    cell.style.color = face.colour ? inkOn(face.colour) : "";
  }
}

// What a slot looks like: classes, text, colour, title.
function slotFace(position, slot, text, lane) {
  if (!slot) return { className: "tt-ghost", text: "", letters: 0, title: "" };
  const name = `slot ${position + 1}`;
  if (slot.kind === "mask") {
    if (afterEnd(position, lane)) {
      return { className: "tt-mask tt-still tt-beyond", text: "", letters: 0, title: `${name}: after the end, left masked` };
    }
    return { className: lane.finished ? "tt-mask tt-still" : "tt-mask", text: "", letters: 0, title: `${name}: masked` };
  }
  const ends = lane.endIds.includes(slot.id);
  const beyond = lane.finished !== null && position >= lane.finished.tokens;
  const shown = beyond ? "" : ends ? "■" : visible(text ?? ""); // what fills a block's rest is no text; its title names it
  const percent = `${(100 * slot.confidence).toFixed(1)} %`;
  const meaning = ends ? "end of text" : JSON.stringify(text ?? "");
  return {
    className: `tt-token${beyond ? " tt-beyond" : ""}`,
    text: shown,
    letters: lettersWide(shown),
    colour: beyond ? null : cividis(slot.confidence),
    title: `${name}: ${meaning}, confidence ${percent}${slot.rule ? `, ${RULES[slot.rule]}` : ""}${beyond ? ", after the end: not counted" : ""}`,
    fresh: true,
  };
}

// A run that reached its end leaves the slots after it as they are: they are no text.
function afterEnd(position, lane) {
  return lane.finished?.reason === "end-token" && position >= lane.finished.tokens;
}

const RULES = {
  threshold: "above the threshold",
  minimum: "the most confident of a step with none above the threshold",
  "last-step": "committed by the last step",
};

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
