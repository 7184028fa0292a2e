// Starts Redoc. The page's policy forbids inline scripts, so what differs is an attribute of the script element.
const font = "system-ui, sans-serif";

Redoc.init(
  new URL(document.currentScript.dataset.openapi, location.href).href,
  { theme: { typography: { fontFamily: font, headings: { fontFamily: font } } } },
  document.getElementById("docs"),
);
