/* A figure as a picture of its own: what the page draws, with the page's styles written into it. */
const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "fill-opacity", "opacity",
  "font-size", "font-family", "font-weight", "font-style", "font-variant-numeric", "text-anchor", "dominant-baseline", "paint-order", "visibility", "display"];
const SVG_SPACE = "http://www.w3.org/2000/svg";

/* A drawing with each element's style as attributes: a file has no style sheet and no inherited colour. */
function styled(original) {
  const copy = original.cloneNode(true);
  const from = [original, ...original.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((element, at) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value && value !== "normal") to[at].setAttribute(name, value);
    }
    for (const name of ["class", "style"]) to[at].removeAttribute(name);
  });
  copy.querySelectorAll("style, title").forEach((element) => element.remove());
  return copy;
}

/* All drawings and words of a place, where they stand on the page, below the title: {text, width, height}. */
function pictureOf(place, title) {
  const box = place.getBoundingClientRect();
  const top = 34, width = Math.ceil(box.width), height = Math.ceil(place.scrollHeight) + top;
  const outer = document.createElementNS(SVG_SPACE, "svg");
  for (const [name, value] of Object.entries({ xmlns: SVG_SPACE, width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title })) outer.setAttribute(name, value);
  const write = (text, x, y, size, weight, family) => {
    const element = document.createElementNS(SVG_SPACE, "text");
    for (const [name, value] of Object.entries({ x, y, "font-size": size, "font-weight": weight, "font-family": family, fill: "#111111" })) element.setAttribute(name, value);
    element.textContent = text;
    outer.append(element);
  };
  const ground = document.createElementNS(SVG_SPACE, "rect");
  for (const [name, value] of Object.entries({ width, height, fill: "#ffffff" })) ground.setAttribute(name, value);
  outer.append(ground);
  const page = getComputedStyle(place);
  write(title, 4, 20, "16px", "600", page.fontFamily);
  for (const svg of place.querySelectorAll("svg")) {
    if (svg.parentElement.closest("svg")) continue;
    const at = svg.getBoundingClientRect(), copy = styled(svg);
    for (const [name, value] of Object.entries({ x: at.left - box.left, y: at.top - box.top + top, width: at.width, height: at.height, color: "#111111" })) copy.setAttribute(name, value);
    outer.append(copy);
  }
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest("svg, select, button, style, .hidden")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const at = range.getClientRects()[0], style = getComputedStyle(parent);
    if (at) write(node.textContent.trim(), at.left - box.left, at.bottom - box.top + top - 0.25 * at.height, style.fontSize, style.fontWeight, style.fontFamily);
  }
  return { text: new XMLSerializer().serializeToString(outer), width, height };
}

/* The picture in dots, twice as many as on the page. */
async function asPng({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  const drawing = canvas.getContext("2d");
  drawing.scale(2, 2);
  drawing.drawImage(image, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
