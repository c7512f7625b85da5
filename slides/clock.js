// Une diapositive « travail » dit de quand à quand l'on travaille, dès qu'on la montre.
// Les deux fenêtres disent la même heure ; un clic sur elle repart de maintenant.

// Les vignettes, elles, ne font que répéter : elles montrent ce qui n'est pas encore à l'écran.
const presented = ['', 'presenter'].includes(document.body.dataset.bespokeView)

const hour = (moment) => {
  const date = new Date(moment)
  return `${date.getHours()} h ${String(date.getMinutes()).padStart(2, '0')}`
}

for (const time of document.querySelectorAll('section.travail time')) {
  const slide = time.closest('[data-marpit-svg]')
  const key = `${location.pathname}#${time.closest('section').id}`
  const given = time.textContent
  const length = parseInt(given) * 60_000

  /** Écrit les heures que l'on connaît ; renvoie faux si l'on n'en connaît pas, ou plus. */
  const tell = () => {
    const start = Number(localStorage.getItem(key))
    if (Date.now() >= start + length) return false
    const back = `<span>On se retrouve à <strong>${hour(start + length)}</strong></span>`
    time.innerHTML = `${given}, à partir de ${hour(start)} ${back}`
    return true
  }
  const begin = () => {
    localStorage.setItem(key, Date.now())
    tell()
  }
  const arrive = () => {
    if (slide.matches('.bespoke-marp-active') && !tell() && presented) begin()
  }

  arrive()
  new MutationObserver(arrive).observe(slide, { attributeFilter: ['class'] })
  addEventListener('storage', (change) => change.key === key && tell())
  time.addEventListener('click', begin)
}
