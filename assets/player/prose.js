// The lane's text as prose, to be read and copied; a gap stands where slots are still masked.

function drawProse(root, lane, texts) {
  const nodes = [];
  let run = "";
  let gap = null;
  lane.slots.forEach((slot, position) => {
    if (slot && slot.kind === "token") {
      gap = null;
      if (!lane.endIds.includes(slot.id)) run += texts[position] ?? "";
      return;
    }
    if (run) nodes.push(run);
    run = "";
    if (gap === null) {
      gap = el("span", "tt-gap");
      gap.ariaHidden = "true";
      gap.style.setProperty("--tt-width", 0);
      nodes.push(gap);
    }
    gap.style.setProperty("--tt-width", Number(gap.style.getPropertyValue("--tt-width")) + 1);
  });
  if (run) nodes.push(run);
  root.replaceChildren(...nodes);
}
