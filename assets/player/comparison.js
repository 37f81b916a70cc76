// Run A, pinned, against the run on the stage: slots that hold another token are outlined.

class Comparison {
  constructor(stage) {
    this.stage = stage;
    this.run = null; // the pinned run's id
    this.lanes = new Map(); // its lanes by name
    this.root = el("p", "tt-compared");
    this.root.setAttribute("role", "status");
    this.root.hidden = true;
  }

  // Every message says which run is pinned, so that a lost one costs nothing. Called before a new run takes the stage.
  pin(run) {
    if (run === this.run) return;
    this.run = run;
    this.lanes = run !== null && run === this.stage.run ? this.stage.lanes : new Map();
    this.show();
  }

  tokenOf(lane, position) {
    if (this.stage.run === this.run) return null;
    const other = this.lanes.get(lane.look.lane);
    const slot = other?.timeline.slots[position];
    return slot && slot.id !== null ? { id: slot.id, text: quoted(other, slot.id, position) } : null;
  }

  show() {
    const said = [];
    for (const lane of this.stage.lanes.values()) {
      const differing = this.differing(lane);
      lane.grid.mark("tt-differs", differing ?? []);
      const slots = Math.max(lane.timeline.slots.length, this.lanes.get(lane.look.lane)?.timeline.slots.length ?? 0);
      if (differing) said.push(`${lane.look.label}: ${differing.length} of ${slots} slots differ from A`);
    }
    this.root.hidden = !this.lanes.size;
    setText(this.root, said.length ? `${said.join(". ")}.` : "Run A is pinned. Change a setting and run again: slots that differ will be outlined.");
  }

  // Positions at which a lane holds another token than it does in A; null where there is nothing to compare.
  differing(lane) {
    const other = this.lanes.get(lane.look.lane);
    if (!other || other === lane || lane.text === null) return null;
    const length = Math.max(lane.timeline.slots.length, other.timeline.slots.length);
    return Array.from({ length }, (_, position) => position).filter(
      (position) => (lane.timeline.slots[position]?.id ?? null) !== (other.timeline.slots[position]?.id ?? null),
    );
  }
}
