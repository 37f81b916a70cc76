// The lane's text as prose, to be read and copied; a gap stands where slots are still masked.

function drawProse(root, lane, count) {
  const { timeline } = lane;
  const nodes = [];
  let run = "";
  let width = 0;
  const closeGap = () => {
    if (width) nodes.push(gap(width));
    width = 0;
  };
  const closeRun = () => {
    if (run) nodes.push(run);
    run = "";
  };
  for (let position = 0; position < timeline.slots.length; position++) {
    const kind = timeline.standing(position, count);
    if (kind === "ghost" || kind === "beyond") break;
    if (kind === "mask") {
      closeRun();
      width += 1;
    } else if (!timeline.endIds.includes(timeline.slots[position].id)) {
      closeGap();
      run += lane.textAt(position, count);
    }
  }
  closeRun();
  closeGap();
  if (nodes.length === 1 && typeof nodes[0] === "string") setText(root, nodes[0]);
  else root.replaceChildren(...nodes);
}

function gap(width) {
  const node = el("span", "tt-gap");
  node.ariaHidden = "true";
  node.style.setProperty("--tt-width", width);
  return node;
}
