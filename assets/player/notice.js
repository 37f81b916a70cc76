// A line that does not change while the page is open.

element.querySelector(".tt-notice").append(el("p", "", JSON.parse(props.value).text));
