// Runs before the first paint, so that a kept choice never flashes.
for (const name of ["theme", "density"]) {
  const value = localStorage.getItem(`heddle.${name}`);
  if (value) document.documentElement.dataset[name] = value;
}
