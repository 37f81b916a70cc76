// What the colour of a committed slot says: confidence, the step of its commit, or whether the other lane agrees.

const COLOURINGS = {
  confidence: {
    label: "Confidence",
    ends: () => ["0", "1"],
    colour: (slot) => cividis(slot.confidence),
  },
  step: {
    label: "Commit step",
    ends: (stage) => ["first", `step ${Math.max(1, stage.latestStep)}`],
    // The first step is the light end: what was sure at once should look like what was sure. Autoregression has none.
    colour: (slot, position, stage) => (slot.step === null ? null : cividis(1 - slot.step / Math.max(1, stage.latestStep - 1))),
  },
  agreement: {
    label: "Agreement",
    ends: () => ["differs", "same token"],
    colour(slot, position, stage, lane) {
      const other = stage.beside(lane, position);
      return other && (other.id === slot.id ? SAME.yes : SAME.no);
    },
  },
};
