// "How it works": five sentences, one of them current. The stage hears on the document which part to light.

class TourView {
  constructor(root) {
    this.root = root;
    root.tabIndex = 0;
    this.at = null; // number of the current step, null outside the tour
    this.list = el("ol", "tt-steps");
    this.back = this.button("Back", () => this.go(this.at - 1));
    this.next = this.button("Start the tour", () => this.go(this.at === null ? 0 : this.at + 1));
    this.end = this.button("End tour", () => this.leave());
    this.place = el("span", "tt-tour-place");
    this.place.setAttribute("role", "status");
    const bar = el("div", "tt-tour-bar");
    bar.append(this.back, this.next, this.end, this.place);
    root.append(this.list, bar);
    root.addEventListener("keydown", (event) => this.key(event));
    // Behind another tab nothing of the tour can be seen, and the stage should not stay lit.
    new ResizeObserver(() => root.offsetParent === null && this.leave()).observe(root);
  }

  button(text, press) {
    const button = el("button", "tt-tour-button", text);
    button.type = "button";
    button.addEventListener("click", press);
    return button;
  }

  show({ steps }) {
    this.steps = steps;
    this.list.replaceChildren(...steps.map((step, number) => this.item(step, number)));
    this.mark();
  }

  item({ title, text }, number) {
    const item = el("li", "tt-step");
    const name = this.button(title, () => this.go(number));
    name.className = "tt-step-title";
    item.append(name, el("p", "tt-step-text", text));
    return item;
  }

  go(number) {
    this.at = Math.min(this.steps.length - 1, Math.max(0, number));
    this.mark();
    const { moment, light } = this.steps[this.at];
    this.say(moment, light);
    this.root.scrollIntoView({ block: "start" }); // the sentence on top, what it lights right under it
  }

  leave() {
    if (this.at === null) return;
    const focused = [this.back, this.end].includes(document.activeElement);
    this.at = null;
    this.mark();
    if (focused) this.next.focus(); // the button under the visitor's finger has gone
    this.say(null, null);
  }

  say(moment, light) {
    document.dispatchEvent(new CustomEvent("twotower:tour", { detail: { moment, light } }));
  }

  mark() {
    [...this.list.children].forEach((item, number) => {
      if (number === this.at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const touring = this.at !== null;
    this.root.dataset.step = touring ? this.at + 1 : "";
    this.back.hidden = this.end.hidden = !touring;
    // Not `disabled`: a button that is loses the focus, and the arrow keys with it.
    this.back.ariaDisabled = `${this.at === 0}`;
    this.next.ariaDisabled = `${this.at === this.steps.length - 1}`;
    setText(this.next, touring ? "Next" : "Start the tour");
    setText(this.place, touring ? `Step ${this.at + 1} of ${this.steps.length}` : "");
  }

  key(event) {
    const act = { ArrowRight: () => this.go(this.at === null ? 0 : this.at + 1), ArrowLeft: () => this.at !== null && this.go(this.at - 1), Escape: () => this.leave() }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // the stage's player has the same keys
    act();
  }
}

const tour = new TourView(element.querySelector(".tt-tour"));
const show = () => props.value && tour.show(JSON.parse(props.value));
show();
watch("value", show);
