// Draws every chart of the page: its figure stands in a data block, its colours are the theme's.
"use strict";

const drawing = document.currentScript;
const dark = matchMedia("(prefers-color-scheme: dark)");

// Returns a figure in which every word like var(--up) is the colour that it stands for.
function painted(part, style) {
  if (typeof part === "string") {
    return part.replace(/var\((--[a-z0-9-]+)\)/g, (_, name) => style.getPropertyValue(name).trim());
  }
  if (Array.isArray(part)) {
    return part.map((one) => painted(one, style));
  }
  if (part && typeof part === "object") {
    return Object.fromEntries(Object.entries(part).map(([name, one]) => [name, painted(one, style)]));
  }
  return part;
}

function draw(block) {
  const style = getComputedStyle(document.documentElement);
  const {data, layout} = painted(JSON.parse(block.textContent), style);
  const ink = style.getPropertyValue("--ink").trim();
  const line = style.getPropertyValue("--line").trim();
  const axes = Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name));
  for (const name of axes) {
    layout[name] = {gridcolor: line, linecolor: line, zerolinecolor: line, ...layout[name]};
  }
  layout.font = {color: ink, family: "inherit", size: 12, ...layout.font};
  layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
  layout.hoverlabel = {bgcolor: style.getPropertyValue("--raised").trim(), font: {color: ink}};
  const options = {responsive: true, displaylogo: false, displayModeBar: false};
  return Plotly.react(block.dataset.chart, data, layout, options);
}

async function drawAll() {
  const blocks = [...document.querySelectorAll("script[data-chart]")];
  for (const block of blocks) {
    try {
      await draw(block);
    } catch (error) {
      // The others are drawn, and the table beside this one is there.
      console.error(error);
      document.getElementById(block.dataset.chart).textContent = "차트를 그리지 못했습니다.";
    }
  }
  document.documentElement.dataset.drawn = String(blocks.length);
}

if (document.querySelector("script[data-chart]")) {
  const library = document.createElement("script");
  library.src = drawing.dataset.plotly;
  library.addEventListener("load", () => {
    drawAll();
    dark.addEventListener("change", drawAll);
  });
  document.head.append(library);
} else {
  document.documentElement.dataset.drawn = "0";
}
