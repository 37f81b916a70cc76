// The buttons of the player, its speed and its clock; and the keys that do the same.

// Drawn, as no font has all of them.
const ICONS = {
  start: "M2 2H4V14H2ZM14 2V14L5 8Z",
  back: "M12 2V14L4 8Z",
  play: "M3 1V15L14 8Z",
  pause: "M3 2H6.5V14H3ZM9.5 2H13V14H9.5Z",
  next: "M4 2V14L12 8Z",
  end: "M12 2H14V14H12ZM2 2V14L11 8Z",
};

const WORDS = { live: "● Live", halt: "■ Stop" };

class Transport {
  // `onStop()` ends the run that is going on.
  constructor(player, onStop) {
    this.player = player;
    this.root = el("div", "tt-transport");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "Player");
    this.button("start", "To the start (Home)", () => player.seek(0));
    this.button("back", "One event back (left arrow; with shift, a block)", (event) => this.move(-1, event.shiftKey));
    this.toggle = this.button("play", "Play or pause (space)", () => player.toggle());
    this.button("next", "One event on (right arrow; with shift, a block)", (event) => this.move(1, event.shiftKey));
    this.button("end", "To the end (End)", () => player.seek(player.end));
    this.clock = el("span", "tt-clock");
    this.buildSpeed();
    this.live = this.button("live", "Live: follow the run as it comes", () => player.follow());
    this.stop = this.button("halt", "Stop the run", onStop);
    this.root.append(this.clock, this.speedLabel, this.live, this.stop);
  }

  button(name, title, onClick) {
    const button = el("button", `tt-button tt-${name}`, WORDS[name]);
    if (name in ICONS) {
      const icon = svgEl("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
      icon.append(svgEl("path", { d: ICONS[name] }));
      button.append(icon);
    }
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", onClick);
    this.root.append(button);
    return button;
  }

  buildSpeed() {
    this.speed = el("select", "tt-select");
    for (const [value, label] of SPEEDS) {
      const option = el("option", "", label);
      option.value = value;
      this.speed.append(option);
    }
    this.speed.addEventListener("change", () => this.player.setSpeed(this.speed.value));
    this.speedLabel = el("label", "tt-speed", "Plays at ");
    this.speedLabel.append(this.speed);
  }

  move(direction, byBlock) {
    if (byBlock) this.player.stepBlock(direction);
    else this.player.step(direction);
  }

  show(running) {
    const { player } = this;
    this.toggle.querySelector("path").setAttribute("d", player.playing ? ICONS.pause : ICONS.play);
    this.toggle.classList.toggle("tt-on", player.playing);
    setText(this.clock, `${player.now.toFixed(3)} s`);
    if (this.speed.value !== player.speed) this.speed.value = player.speed;
    this.live.hidden = this.stop.hidden = !running;
    this.live.classList.toggle("tt-on", player.following);
    this.live.setAttribute("aria-pressed", player.following);
  }

  // Returns whether the key was the player's.
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return false;
    const { player } = this;
    const actions = {
      " ": () => player.toggle(),
      ArrowLeft: () => this.move(-1, event.shiftKey),
      ArrowRight: () => this.move(1, event.shiftKey),
      Home: () => player.seek(0),
      End: () => player.seek(player.end),
    };
    if (!(event.key in actions)) return false;
    actions[event.key]();
    return true;
  }
}
