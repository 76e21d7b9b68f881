// Everything reads without this script. It adds: the choice of colours, the switch of the folds, copy
// buttons, a mark in the list of contents, and access by keyboard to what scrolls sideways.
(() => {
  const root = document.documentElement;
  const storage = {
    get(name) {
      try {
        return localStorage.getItem(name);
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        localStorage.setItem(name, value);
      } catch {
        // Private windows may refuse; the choice then lasts as long as the page.
      }
    },
  };

  // Colours: automatic, light, dark.
  const theme = document.getElementById("theme");
  const themes = { "": "automatic", light: "light", dark: "dark" };
  const showTheme = () => (theme.textContent = `Theme: ${themes[root.dataset.theme ?? ""]}`);
  showTheme();
  theme.addEventListener("click", () => {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(root.dataset.theme ?? "") + 1) % names.length];
    if (next) {
      root.dataset.theme = next;
    } else {
      delete root.dataset.theme;
    }
    storage.set("theme", next);
    showTheme();
  });

  // Folds: what is open on every page, until the reader says otherwise.
  const folds = document.getElementById("fold-switch");
  if (folds) {
    const open = {
      none: () => false,
      short: (fold) => fold.classList.contains("papers-short-fold"),
      all: () => true,
    };
    const answers = [...document.querySelectorAll("details.papers-fold")].filter(
      (fold) => !fold.matches(".papers-stem-fold, .papers-translation-fold"),
    );
    const apply = (choice) => answers.forEach((fold) => (fold.open = open[choice](fold)));
    const chosen = storage.get("folds");
    if (chosen in open) {
      folds.querySelector(`[value=${chosen}]`).checked = true;
      apply(chosen);
    }
    folds.addEventListener("change", (event) => {
      storage.set("folds", event.target.value);
      apply(event.target.value);
    });
  }

  // Copy buttons. Of a dialogue with Python, what one types is copied.
  const typed = (code) => {
    const lines = code.textContent.trimEnd().split("\n");
    // A line of dots alone is an ellipsis, unless a dialogue is there for it to go on with.
    if (!lines.some((line) => /^>>>( |$)/.test(line))) {
      return lines.join("\n");
    }
    const prompts = lines.filter((line) => /^(>>>|\.\.\.)( |$)/.test(line));
    return prompts.map((line) => line.slice(4)).join("\n");
  };
  if (navigator.clipboard) {
    document.querySelectorAll("div.highlight > pre").forEach((code) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(typed(code));
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 2000);
      });
      code.after(button);
    });
  }

  // What scrolls sideways can be reached by keyboard, and only then.
  const scrollers = document.querySelectorAll(
    "pre, .formula, .table-scroll, .papers-scroll, .chain .right, .derivation .define, .givens, .alone, ol[tabindex]",
  );
  const reach = (box) => {
    if (box.scrollWidth > box.clientWidth + 1) {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  };
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));
  scrollers.forEach((box) => sizes.observe(box));

  // The list of contents says where one is.
  const contents = document.getElementById("page-contents");
  if (contents) {
    const links = new Map();
    contents.querySelectorAll("a[href^='#']").forEach((link) => {
      const heading = document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (heading) {
        links.set(heading, link);
      }
    });
    const mark = (link) => {
      contents.querySelectorAll("[aria-current]").forEach((old) => old.removeAttribute("aria-current"));
      link.setAttribute("aria-current", "true");
    };
    const seen = new IntersectionObserver(
      (entries) => {
        const entry = entries.filter((one) => one.isIntersecting).pop();
        if (entry) {
          mark(links.get(entry.target));
        }
      },
      { rootMargin: "0px 0px -70% 0px" },
    );
    links.forEach((_, heading) => seen.observe(heading));
    contents.addEventListener("click", (event) => {
      if (event.target.closest("a") && contents.matches(":popover-open")) {
        contents.hidePopover();
      }
    });
  }
})();
