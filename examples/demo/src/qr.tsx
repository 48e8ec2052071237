/** A QR code as one path: sharp at any size, and dark on light whatever the theme, which scanners need. */

import { type ReactElement, useMemo } from "react";
import { encode } from "uqr";

/** Shows a text as a QR code. `label` is for those who do not see it. */
export function QrCode({ text, label }: { readonly text: string; readonly label: string }): ReactElement {
  const { size, path } = useMemo(() => {
    const { data, size } = encode(text, { ecc: "M", border: 3 });
    const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
    return { size, path: squares.join("") };
  }, [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <path className="qr-ground" d={`M0 0h${size}v${size}h-${size}z`} />
      <path className="qr-dots" d={path} />
    </svg>
  );
}
