// What the colour of a committed slot says: confidence, the step of its commit, or whether autoregression agrees.

const COLOURINGS = {
  confidence: {
    label: "Confidence",
    ends: () => ["0", "1"],
    colour: (state) => (state.confidence === null ? null : cividis(state.confidence)), // nothing was asked about a pinned one
  },
  step: {
    label: "Commit step",
    ends: (stage) => ["first", `step ${Math.max(1, stage.latestStep)}`],
    // The first step is the light end: what was sure at once should look like what was sure. Autoregression has none.
    colour: (state, position, stage) => (state.step === null ? null : cividis(1 - state.step / Math.max(1, stage.latestStep - 1))),
  },
  // Whether the token is the one that autoregression would have put there, given what stands before it. In a run that
  // was recorded without that: whether the other lane has the same token there.
  agreement: {
    label: "Agreement",
    ends: (stage) => (stage.judged ? ["AR: another", "AR's choice"] : ["differs", "same token"]),
    colour(state, position, stage, lane) {
      if (!stage.judged) {
        const other = stage.beside(lane, position);
        return other && (other.id === state.id ? SAME.yes : SAME.no);
      }
      const own = lane.look.lane === "autoregressive" || state.origin === "prefill";
      const { judged } = lane.timeline.slots[position];
      if (!own && !judged) return null;
      return own || judged.choice === state.id ? SAME.yes : SAME.no;
    },
  },
};
