"use strict";

// Redoc fetches the logo of its makers from their host; everything on this page comes from the shop.
const image = HTMLImageElement.prototype;
const { set: setSource, get: getSource } = Object.getOwnPropertyDescriptor(image, "src");
const { setAttribute } = Element.prototype;
const isOurs = (address) => ["data:", "blob:"].includes(new URL(address, document.baseURI).protocol) || new URL(address, document.baseURI).origin === location.origin;

Object.defineProperty(image, "src", {
  get: getSource,
  set(address) {
    if (isOurs(address)) setSource.call(this, address);
    else this.hidden = true;
  },
});
image.setAttribute = function (name, value) {
  if (name === "src") this.src = value;
  else setAttribute.call(this, name, value);
};

const fonts = { fontFamily: "system-ui, sans-serif" };
const element = document.getElementById("redoc");
Redoc.init(
  element.dataset.schema,
  {
    hideDownloadButtons: true,
    nativeScrollbars: true,
    theme: { typography: { ...fonts, headings: fonts, code: { fontFamily: "ui-monospace, monospace" } } },
  },
  element,
);
