// Hands a file to the visitor: the server sends it as data, the browser saves it. Nothing is drawn.

let lastSaved = 0;

function save() {
  const file = props.value && JSON.parse(props.value);
  if (!file || file.number === lastSaved) return;
  lastSaved = file.number;
  const bytes = Uint8Array.from(atob(file.base64), (letter) => letter.charCodeAt(0));
  const link = el("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
watch("value", save);
