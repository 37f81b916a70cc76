// The sentence that says who won.

const sentence = el("p", "tt-verdict");
sentence.setAttribute("role", "status");
element.querySelector(".tt-sentence").append(sentence);

function show() {
  const { verdict } = JSON.parse(props.value);
  setText(sentence, verdict);
  sentence.hidden = !verdict;
}
show();
watch("value", show);
