// Values to colours. Cividis reads the same with every kind of colour vision and in grey; so do the two of `SAME`.

const CIVIDIS = [
  [0, 32, 77], [0, 48, 111], [42, 64, 108], [72, 82, 107], [94, 98, 110], [114, 115, 116],
  [135, 132, 121], [158, 150, 119], [182, 169, 113], [208, 190, 103], [234, 211, 87], [255, 234, 70],
];
const SAME = { yes: [158, 196, 224], no: [213, 94, 0] }; // light blue and vermilion, after Okabe and Ito

function cividis(value) {
  const at = Math.min(1, Math.max(0, value)) * (CIVIDIS.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, CIVIDIS.length - 1);
  return CIVIDIS[low].map((channel, i) => Math.round(channel + (CIVIDIS[high][i] - channel) * (at - low)));
}

// Black or white, whichever stands out more on the colour: one of them always does by 4.5 to 1 (WCAG 2).
function inkOn(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

function gradient(from, to) {
  const stops = Array.from({ length: 12 }, (_, i) => `rgb(${cividis(from + ((to - from) * i) / 11)})`);
  return `linear-gradient(90deg, ${stops.join(", ")})`;
}
