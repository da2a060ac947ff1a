// What a person with weak eyes cannot read: texts below `roots` whose contrast is less than WCAG's AA asks for.
roots => {
  const rgba = text => {
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    paint.fillStyle = text;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const behind = node => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const light = color => {
    const [r, g, b] = color.slice(0, 3).map(value => {
      const v = value / 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  for (const node of document.querySelectorAll(roots.flatMap(root => [root, `${root} *`]).join(', '))) {
    const text = [...node.childNodes].filter(child => child.nodeType === 3).map(child => child.data.trim()).join(' ');
    if (!text.trim() || !node.checkVisibility({ visibilityProperty: true }) || node.closest(':disabled, option')) continue;
    const style = getComputedStyle(node);
    const below = behind(node);
    const [first, second] = [light(over(rgba(style.color), below)), light(below)].sort((a, b) => b - a);
    const ratio = (first + 0.05) / (second + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${node.className} ${style.color} on ${below}: ${text.slice(0, 40)}`);
  }
  return [...new Set(faint)];
}
