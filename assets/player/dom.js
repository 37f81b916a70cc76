// Elements, classes and text. Text goes in as text: nothing here, or in what builds on it, ever parses markup.

function el(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Writing the same text again would still cost a layout, and would drop a reader's selection. Elements in it (a gap, a
// draft) are more than their text.
function setText(node, text) {
  if (node.textContent !== text || node.childElementCount) node.textContent = text;
}

function svgEl(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
