// The display clock: one time for all lanes, in seconds of their measured clocks. Knows timelines; draws nothing.

const SPEEDS = [
  ["1", "measured speed"],
  ["0.25", "1/4 of it"],
  ["0.1", "1/10 of it"],
  ["0.025", "1/40 of it"],
  ["step", "step by step"],
];
const READABLE_SECONDS = 5; // a replay that starts by itself takes at least about that long
const STEP_MILLISECONDS = 600;

class Player {
  // `onChange()` is called whenever time, playing or speed have changed.
  constructor(onChange) {
    this.onChange = onChange;
    this.lines = []; // timelines of the lanes
    this.lead = 0; // the lane whose passes the step keys follow
    this.time = 0;
    this.speed = "1";
    this.playing = false;
    this.following = false; // a live run: always at its newest
  }

  load(lines, following) {
    this.pause();
    this.lines = lines;
    this.lead = 0;
    this.following = following;
    this.time = 0;
  }

  get end() {
    return Math.max(0, ...this.lines.map((line) => line.end));
  }

  // The slowest speed at which the run does not take longer than is good for a first look.
  chooseSpeed() {
    const slow = SPEEDS.map(([speed]) => Number(speed)).filter((speed) => this.end / speed <= 4 * READABLE_SECONDS);
    this.speed = String(slow.findLast((speed) => speed > 0) ?? 1);
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
    this.following = false;
    if (this.time >= this.end) this.time = 0;
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
    const playing = this.playing;
    this.pause();
    if (playing) this.play();
    this.onChange();
  }

  step(direction) {
    this.pause();
    this.seek(this.nextTime(direction));
  }

  // The nearest time at which something happened in the lead lane, before or after now.
  nextTime(direction, counts = () => true) {
    const line = this.lines[this.lead];
    const now = this.following ? this.end : this.time;
    const times = (line?.times ?? []).filter((_, number) => counts(line.log[number]));
    if (direction > 0) return times.find((time) => time > now) ?? this.end;
    return times.findLast((time) => time < now) ?? 0;
  }

  // To where a block of the lead lane opens; a lane without blocks moves by sixteen tokens.
  stepBlock(direction) {
    this.pause();
    this.seek(this.nextTime(direction, (event) => event.event === "BlockOpened" || (event.position ?? 1) % 16 === 0));
  }
}
