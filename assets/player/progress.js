// A progress bar and the line of text under it. No live region: a reader would hear every run.

const bar = el("progress", "tt-progress-bar");
const line = el("p", "tt-progress-line");
element.querySelector(".tt-progress").append(bar, line);

function show() {
  const { label, done, total, text } = JSON.parse(props.value);
  bar.setAttribute("aria-label", label);
  bar.max = Math.max(1, total);
  bar.value = done;
  bar.hidden = !total;
  setText(line, text);
}
show();
watch("value", show);
