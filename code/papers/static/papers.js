// Everything reads without this script. It helps browsers that do not do two things by themselves:
// open the folds around the target of a link, and open all folds for print.
(() => {
  const openTo = (hash) => {
    let node = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    const target = node;
    let opened = false;
    for (; node; node = node.parentElement) {
      if (node.tagName === "DETAILS" && !node.open) {
        node.open = opened = true;
      }
    }
    if (opened) {
      target.scrollIntoView();
    }
  };
  const openHere = () => openTo(location.hash);
  window.addEventListener("hashchange", openHere);
  openHere();

  if (!CSS.supports("selector(::details-content)")) {
    let closed = [];
    window.addEventListener("beforeprint", () => {
      closed = [...document.querySelectorAll("details.papers-fold:not([open])")];
      closed.forEach((fold) => (fold.open = true));
    });
    window.addEventListener("afterprint", () => closed.forEach((fold) => (fold.open = false)));
  }
})();
