// The title strip: name, facts about the model, and the light.

const LIGHTS = { idle: "idle", recorded: "recorded", waiting: "waiting for the model", live: "live" };

class StripView {
  constructor(root) {
    this.title = el("h1", "tt-title");
    this.tagline = el("p", "tt-tagline");
    this.facts = el("dl", "tt-facts");
    this.light = el("span", "tt-light");
    this.light.setAttribute("role", "status");
    const names = el("div", "tt-names");
    const first = el("div", "tt-title-row");
    first.append(this.title, this.light);
    names.append(first, this.tagline);
    root.append(names, this.facts);
  }

  show({ title, tagline, facts, light }) {
    setText(this.title, title);
    setText(this.tagline, tagline);
    this.shine(light);
    if (this.facts.childElementCount) return; // a page has one model
    for (const [name, text, link] of facts) {
      const fact = el("div");
      const value = el("dd");
      value.append(link ? linkTo(link, text) : text);
      value.dataset.fact = name;
      fact.append(el("dt", "", name), value);
      this.facts.append(fact);
    }
  }

  shine(light) {
    setText(this.light, LIGHTS[light]);
    this.light.dataset.light = light;
  }
}

// The address is a stranger's, out of a model card: a web page, told nothing of this one.
function linkTo(address, text) {
  const link = el("a", "", text);
  if (/^https?:\/\//.test(address)) link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  return link;
}

const strip = new StripView(element.querySelector(".tt-strip"));
const show = () => strip.show(JSON.parse(props.value));
show();
watch("value", show);
// A run has left the queue when the stage gets its first message; a recorded one needs no queue.
document.addEventListener("twotower:light", ({ detail }) => {
  if (detail === "recorded" || strip.light.dataset.light === "waiting") strip.shine(detail);
});
