/** What is kept on this machine: choices of looks, never anything that was received. */

export function kept(name: string): string | undefined {
  try {
    return localStorage.getItem(`postern-${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`postern-${name}`, value);
  } catch {
    // Storage may be forbidden: then the choice holds until the page is left.
  }
}
