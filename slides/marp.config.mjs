// Les réglages de Marp. Rien ne vient du réseau : ni emoji, ni mathématiques.

// En pixels, sur une diapositive de 1280 × 720 qui n'a qu'un titre, une légende et du code.
const ROOM = { width: 1176, height: 470, paragraph: 72, line: 1.3, character: 0.603 }
const LARGEST = 40

/** Ôte le décalage que toutes les lignes ont en commun : du fond de la salle, il coûte trop. */
const dedented = (code) => {
  const written = code.split('\n').filter((line) => line.trim())
  const common = Math.min(...written.map((line) => line.search(/\S/)))
  return code.replaceAll(new RegExp(`^ {${common}}`, 'gm'), '')
}

/** Rend le code d'une diapositive aussi grand que le permet ce qui l'entoure. */
const codeSize = (markdown) =>
  markdown.core.ruler.push('code_size', ({ tokens }) => {
    let blocks = []
    let paragraphs = 0
    for (const token of tokens) {
      if (token.type === 'marpit_slide_open') [blocks, paragraphs] = [[], 0]
      if (token.type === 'inline') paragraphs += 1
      if (token.type === 'fence') blocks.push(token)
      if (token.type !== 'marpit_slide_close' || !blocks.length) continue
      for (const block of blocks) block.content = dedented(block.content)
      const lines = blocks.flatMap((block) => block.content.trimEnd().split('\n'))
      const others = Math.max(0, paragraphs - 2) + (blocks.length - 1) / 2
      const size = Math.min(
        LARGEST,
        ROOM.width / ROOM.character / Math.max(...lines.map((line) => line.length)),
        (ROOM.height - others * ROOM.paragraph) / ROOM.line / lines.length,
      )
      for (const block of blocks) block.attrSet('style', `font-size:${size.toFixed(1)}px`)
    }
  })

export default {
  themeSet: 'theme.css',
  options: { emoji: { shortcode: false, unicode: false }, math: false },
  engine: ({ marp }) => marp.use(codeSize),
}
