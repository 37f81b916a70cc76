// The looks of slots beyond token and mask, in words: the legend of a lane. Each look is a class of `stage.css`.

const KINDS = {
  draft: "drafted, waits for verification",
  rejected: "taken back",
  replaced: "AR's token in a draft's place",
  bonus: "AR's token behind the draft",
  lenient: "accepted, not AR's choice",
  anchor: "anchor: AR's own token",
  pinned: "pinned",
  round: "this round",
};

// Which of them a run of a lane with these settings may have.
function kindsOf(lane, settings) {
  if (lane === "verify") return ["draft", "replaced", "bonus", ...(settings.accept_from < 1 ? ["lenient"] : []), "rejected", "round"];
  if (lane !== "diffusion") return [];
  return [...(settings.ar_anchor ? ["anchor"] : []), ...(settings.pins?.length ? ["pinned"] : [])];
}

function kindInLegend(kind) {
  const item = el("li", "tt-kind");
  const looks = { draft: "tt-draft", rejected: "tt-mask tt-still tt-rejected", round: "tt-ghost tt-round" };
  const key = el("span", `tt-slot tt-key ${looks[kind] ?? `tt-is-${kind}`}`, { draft: "a", rejected: "a" }[kind] ?? "");
  key.ariaHidden = "true";
  item.append(key, el("span", "", KINDS[kind]));
  return item;
}
