// Ce qu'une page sait faire d'elle-même : le système choisi, copier, prévoir avant de lire.
"use strict";

const memory = {
  get: (name) => {
    try { return localStorage.getItem(`atelier ${name}`); } catch { return null; }
  },
  set: (name, value) => {
    // Un navigateur qui ne garde rien laisse lire quand même.
    try { localStorage.setItem(`atelier ${name}`, value); } catch { /* la page l'oubliera */ }
  },
};

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function chooseSystem() {
  const form = document.querySelector("#system");
  const show = (system) => {
    document.documentElement.dataset.system = system;
    form.querySelector(`[value=${system}]`).checked = true;
  };
  const kept = memory.get("système");
  show(["unix", "windows"].includes(kept) ? kept : /^Win/.test(navigator.platform) ? "windows" : "unix");
  form.addEventListener("change", ({ target }) => {
    show(target.value);
    memory.set("système", target.value);
  });
  form.hidden = !document.querySelector(".highlight-bash + .highlight-powershell");
}

// D'une différence, on copie ce qui s'ajoute, si c'est d'un seul tenant ; d'une sortie, rien.
function addCopyButtons() {
  for (const block of document.querySelectorAll("[class^=highlight-]:not(.highlight-text)")) {
    const difference = block.classList.contains("highlight-diff");
    const code = block.querySelector("pre");
    let lines = code.textContent.trimEnd().split("\n");
    if (difference) {
      const isAdded = (line) => line.startsWith("+");
      const added = lines.slice(lines.findIndex(isAdded), lines.findLastIndex(isAdded) + 1);
      if (!added.length || !added.every(isAdded)) continue;
      lines = added.map((line) => line.slice(1));
    }
    const button = make("button", { type: "button", className: "copy" });
    const label = difference ? "Copier les ajouts" : "Copier";
    button.textContent = label;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(lines.join("\n"));
        button.textContent = "Copié";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Sélectionné : copiez-le";
      }
      setTimeout(() => { button.textContent = label; }, 2000);
    });
    block.append(button);
  }
}

// La question est le paragraphe qui, depuis le titre ou la réponse d'avant, finit par « ? ».
function questionOf(answer) {
  for (let one = answer.previousElementSibling; one && !/^(H\d|DETAILS)$/.test(one.tagName);) {
    if (one.tagName === "P" && one.textContent.trim().endsWith("?")) return one;
    one = one.previousElementSibling;
  }
  return null;
}

// Ce que l'on dit d'une question, selon ce que montre le pli.
const WORDS = {
  "Ce que l'on voit": {
    label: "Votre prévision", skip: "Lire sans prévoir", said: "Vous aviez prévu",
    waits: "La réponse attend votre prévision.", ask: "Prévoir",
  },
  Réponse: {
    label: "Votre réponse", skip: "Lire sans répondre", said: "Vous aviez répondu",
    waits: "La réponse attend la vôtre.", ask: "Répondre",
  },
};

function askPredictions() {
  const chapter = location.pathname.split("/").at(-2);
  const asked = {};
  for (const answer of document.querySelectorAll("main details")) {
    const question = questionOf(answer);
    const kind = Object.keys(WORDS).find((one) => answer.firstElementChild.textContent.startsWith(one));
    if (!question || !kind) continue;
    const words = question.textContent.trim();
    asked[words] = (asked[words] ?? 0) + 1;
    askPrediction(question, answer, `prévision ${chapter} ${words} ${asked[words]}`, WORDS[kind]);
  }
}

// On prévoit sous la question, avant de lancer ; on compare au-dessus de la réponse.
function askPrediction(question, answer, name, words) {
  const field = make("textarea", { rows: 2, maxLength: 2000 });
  const keep = make("button", { textContent: "Garder" });
  const skip = make("button", { type: "button", textContent: words.skip });
  const form = make("form", { className: "prediction" }, make("label", {}, words.label, field), keep, " ", skip);
  const mine = make("p", { className: "mine" });
  const change = make("button", { type: "button" });
  const compared = make("div", { className: "prediction" }, mine, change);

  function show(prediction) {
    form.hidden = Boolean(prediction);
    answer.hidden = !prediction;
    // Sous la question même, il n'y a rien à rappeler.
    compared.hidden = !prediction && form.nextElementSibling === compared;
    mine.textContent = prediction ? `${words.said} : ${prediction}` : words.waits;
    change.textContent = prediction ? "La changer" : words.ask;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const prediction = field.value.trim();
    if (!prediction) return field.focus();
    memory.set(name, prediction);
    show(prediction);
    change.focus();
  });
  skip.addEventListener("click", () => {
    form.hidden = compared.hidden = true;
    answer.hidden = false;
    answer.open = true;
    answer.firstElementChild.focus();
  });
  change.addEventListener("click", () => {
    field.value = memory.get(name) ?? "";
    answer.open = false;
    show("");
    field.focus();
  });
  question.after(form);
  answer.before(compared);
  show(memory.get(name) ?? "");
}

// Ce qui défile se fait défiler au clavier.
function reachScrollers() {
  for (const one of document.querySelectorAll("main pre, main table")) one.tabIndex = 0;
}

chooseSystem();
addCopyButtons();
askPredictions();
reachScrollers();
for (const one of document.querySelectorAll("aside details")) one.open = matchMedia("(min-width: 70rem)").matches;
