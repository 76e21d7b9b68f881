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

// Sitting a paper: the answers and all that leads to them are away, and where the paper prints its
// time a clock runs, which a reload or a closed window does not stop.
(() => {
  const paper = document.querySelector("div.papers-paper");
  if (!paper || !document.querySelector(".papers-peek")) {
    return;
  }
  const minutes = Number(paper.dataset.minutes ?? 0);
  const key = `papers-${paper.id}`;
  let began = null;
  const remember = (value) => {
    began = value;
    try {
      if (value === null) {
        localStorage.removeItem(key);
      } else {
        localStorage.setItem(key, value);
      }
    } catch {
      // Without storage the clock lasts as long as the page.
    }
  };
  try {
    began = Number(localStorage.getItem(key)) || null;
  } catch {
    // As above.
  }

  const bar = document.createElement("div");
  const button = document.createElement("button");
  const clock = document.createElement("span");
  bar.className = "papers-bar";
  button.type = "button";
  clock.setAttribute("role", "timer");
  bar.append(button, clock);
  paper.after(bar);

  const say = () => {
    const left = Math.round(minutes * 60 - (Date.now() - began) / 1000);
    const two = (number) => String(number).padStart(2, "0");
    clock.textContent =
      left <= 0
        ? "Time is over."
        : `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)} left`;
  };
  let ticking = null;
  const show = () => {
    const sitting = began !== null;
    document.body.classList.toggle("papers-sitting", sitting);
    button.textContent = sitting ? "End, and show the answers" : "Sit this paper";
    clearInterval(ticking);
    clock.textContent = "";
    if (sitting && minutes) {
      say();
      ticking = setInterval(say, 1000);
    } else if (!sitting) {
      clock.textContent = minutes
        ? `hides the answers and starts a clock of ${minutes} minutes`
        : "hides the answers; the paper prints no duration";
    }
  };
  button.addEventListener("click", () => {
    remember(began === null ? Date.now() : null);
    show();
  });
  show();
})();
