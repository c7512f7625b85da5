"""Ce qu'axe trouve à redire à une page, dans un vrai navigateur."""


async def accessible(page, axe: str) -> None:
    """Échoue si axe trouve une faute, de quelque niveau que ce soit, ou si la page déborde."""
    await page.run(f"(() => {{ {axe} }})()")
    faults = await page.run(
        "axe.run().then((said) => said.violations.map((one) => `${one.id} : ${one.nodes[0].html}`))"
    )
    assert faults == [], faults
    wide = await page.run("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"la page déborde de {wide} pixels"
