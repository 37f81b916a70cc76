// The anatomy in words and numbers: what is said of a row, the tables under the drawing, and units.

const TOWERS = [
  { key: "context", name: "Context tower", state: "frozen", about: "the autoregressive model" },
  { key: "denoiser", name: "Denoiser tower", state: "trained", about: "its copy, taught to unmask blocks" },
];
const TABLE_ROLES = [["thead, tbody", "rowgroup"], ["tr", "row"], ["thead th", "columnheader"], ["tbody th", "rowheader"], ["td", "cell"]];

// What the side line says of a row, and what a screen reader hears: [name, text], the first one the title.
function factsOf(row, layer, layers) {
  const facts = [["", layer ? `${layer.numbers.length > 1 ? "Layers" : "Layer"} ${layer.numbers.join(", ")} of ${layers}: ${row.name}` : row.name]];
  facts.push(["Sizes", row.sizes]);
  facts.push(["Parameters", row.context ? `${grouped(row.context.parameters)} in each tower, ${activeOf(row.context)}` : `${grouped(row.denoiser.parameters)}, in the denoiser tower alone`]);
  for (const { key, name } of TOWERS) if (row[key]) facts.push([name, row[key].does]);
  if (layer) facts.push(["Hands over", row.crosses ? `${row.crosses.detail}: ${bytesCrossing(row.crosses)}, from the context tower to the denoiser tower` : "nothing"]);
  return facts;
}

function activeOf({ parameters, active }) {
  return active === parameters ? "all of them for every token" : `${countOf(active)} of them for one token`;
}

function bytesCrossing({ constant_bytes, token_bytes }) {
  return token_bytes ? `${bytesOf(token_bytes)} a token` : bytesOf(constant_bytes);
}

const countOf = (value) => scaled(value, ["", " k", " M", " B"]);
const bytesOf = (value) => scaled(value, [" B", " kB", " MB", " GB", " TB"]);
const grouped = (value) => value.toLocaleString("en-US");

// Three digits and a unit: 1297 is 1.30 k, 38742208 is 38.7 M.
function scaled(value, units) {
  if (value === 0) return "–";
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toPrecision(3) : value}${units[unit]}`;
}

function partsTable({ parts, totals, dtype_bytes, bits }) {
  const rows = parts.map(({ name, meaning, parameters }) => [name, meaning, ...parameters.map(countOf)]);
  const coded = bits ? `${bits} bits a weight, embeddings and heads 8, a scale a group; what is not quantised ` : "";
  const kept = `${coded}${dtype_bytes} bytes a number${dtype_bytes < 4 ? ", a few small parts in float32" : ""}`;
  const both = (pair, show) => `${show(pair[0] + pair[1])} in both towers`;
  rows.push(["Parameters", both(totals.parameters, countOf), ...totals.parameters.map(countOf)]);
  rows.push(["In memory", `${both(totals.bytes, bytesOf)}; ${kept}`, ...totals.bytes.map(bytesOf)]);
  rows.push(["Active for one token", "with the experts it goes to, and one row of the embeddings", ...totals.active.map(countOf)]);
  return table(["Parameters", ...TOWERS.map(({ name }) => name)], rows);
}

function memoryTable({ memory: { constant_bytes, token_bytes, longest } }) {
  return table(["Memory of a text", ...TOWERS.map(({ name }) => name)], [
    ["State", "Mamba-2 layers, whatever the length of the text", bytesOf(constant_bytes), "–"],
    ["Keys and values", "attention layers, for every token of the text", token_bytes ? `${bytesOf(token_bytes)} a token` : "–", "–"],
    ["At the longest", `a text of ${grouped(longest)} tokens, the most this model takes`, bytesOf(constant_bytes + longest * token_bytes), "–"],
  ]);
}

function table(head, rows) {
  const made = el("table", "tt-table");
  made.style.setProperty("--tt-lanes", head.length - 1);
  const headRow = el("tr");
  headRow.append(...head.map((text, i) => columnHead(text, i > 0)));
  const thead = el("thead");
  thead.append(headRow);
  const body = el("tbody");
  for (const [name, meaning, ...values] of rows) {
    const row = el("tr");
    const first = el("th");
    first.scope = "row";
    first.append(el("span", "tt-measure", name), el("span", "tt-meaning", meaning));
    row.append(first, ...values.map((value) => el("td", "tt-number", value)));
    body.append(row);
  }
  made.append(thead, body);
  made.role = "table";
  // Narrow screens lay rows out as grids, which would take the table's meaning from screen readers.
  for (const [selector, role] of TABLE_ROLES) made.querySelectorAll(selector).forEach((node) => (node.role = role));
  return made;
}

function columnHead(text, isNumber) {
  const cell = el("th", isNumber ? "tt-number" : "", text);
  cell.scope = "col";
  return cell;
}
