/** `waits for #41` → `Waits for #41`: the API's reasons begin small, to stand inside a sentence. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
