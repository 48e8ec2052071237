/** Pictograms, drawn here so that nothing is loaded from elsewhere. All are decoration: buttons carry their names. */

import type { ReactElement } from "react";

function icon(path: string): () => ReactElement {
  return function Icon() {
    return (
      <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
        <path d={path} />
      </svg>
    );
  };
}

export const AddIcon = icon("M10 4v12M4 10h12");
export const AutoIcon = icon("M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14");
export const CloseIcon = icon("M5 5l10 10M15 5L5 15");
export const CoinIcon = icon(
  "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM12.500 7.300a3.200 3.200 0 1 0 0 5.400M6.200 9h4.300M6.200 11h4.300",
);
export const DeviceIcon = icon("M3.500 4h13v9h-13zM7 16.500h6M10 13v3.500");
export const DownloadIcon = icon("M10 3v9M6 8.5l4 4 4-4M4 16.5h12");
export const EditIcon = icon("M4 16l.8-3.6L13 4.200l2.800 2.800-8.200 8.200L4 16zM11.500 5.700l2.800 2.800");
export const FileIcon = icon("M6 2.500h5.500L15 6v11.500H6zM11.500 2.500V6H15");
export const FolderIcon = icon("M3 5h5l1.500 2H17v9H3z");
export const HistoryIcon = icon("M10 3a7 7 0 1 1-6.500 4.400M3 3.500v4h4M10 6.500V10l2.500 2");
export const KeyIcon = icon(
  "M8 12a3.500 3.500 0 1 1-2-3.200M7.500 10.500L15.500 4M13 6l2 2.200M11 7.700l1.500 1.600",
);
export const LockIcon = icon("M5 9h10v7.500H5zM7 9V6.500a3 3 0 0 1 6 0V9");
export const MaskIcon = icon(
  "M3 5.500c4.500-1.500 9.500-1.500 14 0 0 6-1.500 9.500-4 9.500-1.500 0-2-1.500-3-1.500s-1.500 1.500-3 1.500c-2.500 0-4-3.500-4-9.500zM6.500 9c.8-.6 1.700-.6 2.500 0M11 9c.8-.6 1.700-.6 2.500 0",
);
export const MoonIcon = icon("M15.500 12A6.500 6.500 0 0 1 8 4.500a6 6 0 1 0 7.500 7.500z");
export const NoteIcon = icon("M4.500 3.500h11v13h-11zM7.500 7.500h5M7.500 10.500h5M7.500 13.500h3");
export const PeopleIcon = icon(
  "M7.500 9a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM2.500 16c0-3 2-4.500 5-4.500s5 1.500 5 4.500M13 4.500a2.500 2.500 0 0 1 0 4.500M14.500 11.800c2 .6 3 2 3 4.200",
);
export const PlayIcon = icon("M6.500 4l9 6-9 6z");
export const ResetIcon = icon("M4 10a6 6 0 1 1 1.800 4.300M4 15v-4h4");
export const SignOutIcon = icon("M8 3.500H4.500v13H8M8.500 10h8M13.500 7l3 3-3 3");
export const SunIcon = icon(
  "M10 13.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM10 2v1.500M10 16.500V18M2 10h1.500M16.500 10H18M4.300 4.300l1.100 1.100M14.600 14.600l1.100 1.100M15.700 4.300l-1.100 1.100M5.400 14.600l-1.100 1.100",
);
export const TrashIcon = icon(
  "M4 5.500h12M8 5.500v-2h4v2M5.500 5.500l.7 11h7.600l.7-11M8.500 8.500v5M11.500 8.500v5",
);
export const VerifiedIcon = icon(
  "M10 2.500l6 2v5c0 4-2.500 6.500-6 8-3.500-1.500-6-4-6-8v-5zM7 10l2.200 2.200L13 8.300",
);
