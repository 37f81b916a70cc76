// The display clock: one time for all lanes, in seconds of their measured clocks. Knows timelines; draws nothing.

const SPEEDS = [
  ["1", "measured speed"],
  ["0.25", "1/4 speed"],
  ["0.1", "1/10 speed"],
  ["0.025", "1/40 speed"],
  ["step", "step by step"],
];
const READABLE_SECONDS = 5; // a replay that starts by itself takes at least about that long
const STEP_MILLISECONDS = 600;

class Player {
  // `onChange()` is called whenever time, playing or speed have changed.
  constructor(onChange) {
    this.onChange = onChange;
    this.lines = []; // timelines of the lanes
    this.time = 0;
    this.speed = "1";
    this.playing = false;
    this.chosen = false; // the visitor has chosen the speed
    this.following = false; // a live run: always at its newest
  }

  load(lines, following) {
    this.pause();
    this.lines = lines;
    this.following = following;
    this.time = 0;
  }

  get end() {
    return Math.max(0, ...this.lines.map((line) => line.end));
  }

  // The moment that is shown.
  get now() {
    return this.following ? this.end : this.time;
  }

  // The slowest speed at which the run does not take longer than is good for a first look.
  chooseSpeed() {
    if (this.chosen) return;
    const slow = SPEEDS.map(([speed]) => Number(speed)).filter((speed) => this.end / speed <= 4 * READABLE_SECONDS);
    this.speed = String(slow.at(-1) ?? 1);
  }

  follow() {
    this.pause();
    this.following = true;
    this.onChange();
  }

  seek(time) {
    this.following = false;
    this.time = Math.min(this.end, Math.max(0, time));
    this.onChange();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
    this.onChange();
  }

  play() {
    if (this.now >= this.end) this.time = 0;
    this.following = false;
    this.playing = true;
    this.last = performance.now();
    this.tick();
  }

  pause() {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  tick() {
    if (this.speed === "step") this.timer = setTimeout(() => this.advance(() => this.nextTime(1)), STEP_MILLISECONDS);
    else this.frame = requestAnimationFrame((now) => this.advance(() => this.time + ((now - this.last) / 1000) * Number(this.speed), now));
  }

  advance(next, now = performance.now()) {
    if (!this.playing) return;
    this.time = Math.min(this.end, next());
    this.last = now;
    if (this.time >= this.end) this.playing = false;
    else this.tick();
    this.onChange();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.chosen = true;
    const playing = this.playing;
    this.pause();
    if (playing) this.play();
    this.onChange();
  }

  step(direction) {
    this.pause();
    this.seek(this.nextTime(direction));
  }

  // The nearest time at which something happened, before or after now: in the first lane, and where that has ended in
  // the lane that goes on longest. `counts` picks events of the first lane alone.
  nextTime(direction, counts = null) {
    const { now } = this;
    const [first] = this.lines;
    const over = first && (direction > 0 ? now >= first.end : now > first.end);
    const line = over && !counts ? this.lines.find((each) => each.end === this.end) : first;
    const times = (line?.times ?? []).filter((_, number) => !counts || counts(line.log[number]));
    if (direction > 0) return times.find((time) => time > now) ?? this.end;
    return times.findLast((time) => time < now) ?? 0;
  }

  // To where a block of the first lane opens, or a round; a lane without blocks moves by sixteen tokens.
  stepBlock(direction) {
    this.pause();
    this.seek(this.nextTime(direction, ({ event, position }) => event === "BlockOpened" || (event === "TokenDecoded" && position % 16 === 0)));
  }
}
