// The lane's text as prose, to be read and copied; a gap stands where slots are still masked, a draft is set apart.

function drawProse(root, lane, count) {
  const runs = [];
  const add = (kind, text) => {
    if (runs.at(-1)?.kind === kind) runs.at(-1).texts.push(text);
    else runs.push({ kind, texts: [text] });
  };
  const { timeline } = lane;
  for (let position = 0; position < timeline.slots.length; position++) {
    const kind = timeline.standing(position, count);
    if (kind === "ghost" || kind === "beyond") break;
    if (kind === "mask") add(kind, "");
    else if (!timeline.endIds.includes(timeline.contentAt(position, count).id)) add(kind, lane.textAt(position, count));
  }
  const nodes = runs.map(({ kind, texts }) => PROSE[kind](texts)).filter((node) => node !== "");
  if (nodes.length === 1 && typeof nodes[0] === "string") setText(root, nodes[0]);
  else root.replaceChildren(...nodes);
}

const PROSE = {
  token: (texts) => texts.join(""),
  draft: (texts) => el("i", "tt-drafted", texts.join("")),
  mask: ({ length }) => {
    const node = el("span", "tt-gap");
    node.ariaHidden = "true";
    node.style.setProperty("--tt-width", length);
    return node;
  },
};
