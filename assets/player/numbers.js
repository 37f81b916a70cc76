// The table of numbers, each with its one-line definition.

const ROLES = [["thead, tbody", "rowgroup"], ["tr", "row"], ["thead th", "columnheader"], ["tbody th", "rowheader"], ["td", "cell"]];

class NumbersView {
  constructor(root) {
    this.table = el("table", "tt-table");
    this.table.role = "table";
    root.append(this.table);
  }

  show({ lanes, rows }) {
    this.table.style.setProperty("--tt-lanes", Math.max(1, lanes.length));
    this.table.replaceChildren(this.head(lanes), this.body(rows));
    // Narrow screens lay rows out as grids, which would take the table's meaning from screen readers.
    for (const [selector, role] of ROLES) this.table.querySelectorAll(selector).forEach((node) => (node.role = role));
  }

  head(lanes) {
    const row = el("tr");
    row.append(el("th", "", "Measured"));
    for (const look of lanes) {
      const cell = el("th", "tt-number");
      cell.scope = "col";
      const glyph = el("span", "tt-glyph", look.glyph);
      glyph.style.color = look.colour;
      cell.append(glyph, ` ${look.label}`);
      row.append(cell);
    }
    const head = el("thead");
    head.append(row);
    return head;
  }

  body(rows) {
    const body = el("tbody");
    for (const { name, meaning, values } of rows) {
      const row = el("tr");
      const cell = el("th");
      cell.scope = "row";
      cell.append(el("span", "tt-measure", name), el("span", "tt-meaning", meaning));
      row.append(cell, ...values.map((value) => el("td", "tt-number", value)));
      body.append(row);
    }
    return body;
  }
}

const numbers = new NumbersView(element.querySelector(".tt-numbers"));
const show = () => numbers.show(JSON.parse(props.value));
show();
watch("value", show);
