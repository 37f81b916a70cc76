// The link that restores prompt and settings: shown to be copied, and copied where the browser allows it.

const field = el("input", "tt-address");
field.readOnly = true;
field.setAttribute("aria-label", "Link to these settings");
const said = el("span", "tt-link-said");
said.setAttribute("role", "status");
const row = element.querySelector(".tt-link-row");
row.hidden = true;
row.append(field, said);

function showLink() {
  const value = props.value && JSON.parse(props.value);
  if (!value?.query) return;
  field.value = `${location.origin}${location.pathname}?${value.query}`;
  row.hidden = false;
  field.select();
  navigator.clipboard?.writeText(field.value).then(
    () => setText(said, "Copied. It restores prompt and settings and runs nothing by itself."),
    () => setText(said, "Copy it from here. It restores prompt and settings and runs nothing by itself."),
  );
}
watch("value", showLink);
