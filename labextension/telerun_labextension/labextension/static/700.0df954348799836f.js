"use strict";(self.rspackChunktelerun_lab=self.rspackChunktelerun_lab||[]).push([[700],{475(r,o,t){var e=t(601),a=t.n(e),i=t(314),n=(t.n(i))()(a());n.push([r.id,`/* Pieces that every view uses. Colours are JupyterLab's alone, so that every theme fits; where one of them is too faint
   to be read on every background (WCAG AA), it is mixed with that of plain text. */

:root {
  --tr-dim: color-mix(in srgb, var(--jp-ui-font-color2) 65%, var(--jp-ui-font-color1));
  --tr-bad: color-mix(in srgb, var(--jp-error-color1) 62%, var(--jp-ui-font-color1));
  --tr-raised: color-mix(in srgb, var(--jp-layout-color2) 45%, var(--jp-layout-color1));
}

.tr-Dim {
  color: var(--tr-dim);
}

.tr-Badge {
  flex: none;
  font-size: var(--jp-ui-font-size0);
  line-height: 18px;
  padding: 0 7px;
  border-radius: 9px;
  border: 1px solid currentcolor;
  color: var(--jp-ui-font-color1);
  white-space: nowrap;
}

.tr-Badge::before {
  content: '';
  display: inline-block;
  width: 7px;
  height: 7px;
  margin-right: 5px;
  border-radius: 50%;
  background: var(--jp-ui-font-color3);
}

.tr-Badge[data-tone='good']::before {
  background: var(--jp-success-color1);
}

.tr-Badge[data-tone='bad']::before {
  background: var(--jp-error-color1);
}

.tr-Badge[data-tone='warn']::before {
  background: var(--jp-warn-color1);
}

.tr-Badge[data-tone='busy']::before {
  background: var(--jp-info-color1);
}

.tr-Badge {
  border-color: var(--jp-border-color1);
}

.tr-Button {
  display: inline-flex;
  align-items: center;
  min-height: 22px;
  padding: 0 8px;
  border: 1px solid var(--jp-border-color1);
  border-radius: var(--jp-border-radius, 2px);
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font: inherit;
  font-size: var(--jp-ui-font-size1);
  text-decoration: none;
  white-space: nowrap;
  cursor: pointer;
}

.tr-Button:hover:not(:disabled) {
  background: var(--jp-layout-color2);
}

.tr-Button:disabled {
  opacity: 0.5;
  cursor: default;
}

.tr-Button[aria-pressed='true'] {
  background: var(--jp-layout-color3);
  border-color: var(--jp-brand-color1);
}

.tr-mod-plain {
  border-color: transparent;
  background: transparent;
}

.tr-Button:focus-visible,
.tr-Check input:focus-visible,
.tr-Tabs button:focus-visible,
.tr-Job-open:focus-visible,
.tr-Group:focus-visible,
.tr-Files-name:focus-visible,
.tr-Status-button:focus-visible,
.tr-List:focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: -2px;
}

.tr-Input,
.tr-Select {
  min-width: 0;
  height: 26px;
  box-sizing: border-box;
  padding: 0 4px;
  border: 1px solid var(--jp-border-color1);
  border-radius: var(--jp-border-radius, 2px);
  background: var(--jp-input-background, var(--jp-layout-color1));
  color: var(--jp-ui-font-color1);
  font: inherit;
  font-size: var(--jp-ui-font-size1);
}

.tr-Input:focus-visible,
.tr-Select:focus-visible {
  outline: none;
  border-color: var(--jp-brand-color1);
  box-shadow: inset 0 0 0 1px var(--jp-brand-color1);
}

.tr-Input::placeholder {
  color: var(--tr-dim);
  opacity: 1;
}

.tr-Check {
  display: inline-flex;
  align-items: center;
  gap: 4px;
  white-space: nowrap;
}

.tr-Check input {
  margin: 0;
}

.tr-Notice {
  margin: 6px 8px;
  padding: 6px 10px;
  border-left: 3px solid var(--jp-border-color1);
  background: var(--jp-layout-color2);
  overflow-wrap: anywhere;
}

.tr-Notice[data-tone='warn'] {
  border-left-color: var(--jp-warn-color1);
}

.tr-Notice code {
  display: block;
}

.tr-Notice-actions {
  display: flex;
  flex-wrap: wrap;
  gap: 6px;
  margin-top: 6px;
}

.tr-Notice-actions:empty {
  display: none;
}

.tr-Empty {
  padding: 16px;
  color: var(--tr-dim);
  text-align: center;
}

.tr-List {
  position: relative;
  flex: 1 1 0;
  min-height: 0;
  overflow: auto;
}

.tr-List-height {
  position: relative;
  overflow: hidden;
  min-width: max-content;
}

.tr-Jobs .tr-List-height {
  min-width: 0;
}

.tr-List-rows {
  position: absolute;
  top: 0;
  left: 0;
  min-width: 100%;
}

.tr-Jobs .tr-List-rows {
  right: 0;
}

.tr-Progress {
  display: flex;
  gap: 2px;
  height: 3px;
}

.tr-Progress-step {
  flex: 1;
  border-radius: 2px;
  background: var(--jp-border-color2);
}

.tr-Progress-step[data-step='done'] {
  background: var(--jp-info-color1);
}

.tr-Progress-step[data-step='now'] {
  background: var(--jp-info-color1);
  animation: tr-pulse 1.4s ease-in-out infinite;
}

@keyframes tr-pulse {
  50% {
    opacity: 0.35;
  }
}

@media (prefers-reduced-motion: reduce) {
  .tr-Progress-step[data-step='now'] {
    animation: none;
  }
}

.tr-Scroll {
  overflow: auto;
}

.tr-Table {
  border-collapse: collapse;
  font-size: var(--jp-ui-font-size1);
}

.tr-Table th,
.tr-Table td {
  padding: 2px 10px 2px 0;
  border-bottom: 1px solid var(--jp-border-color2);
  text-align: left;
  white-space: nowrap;
}

.tr-Form {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(200px, 1fr));
  gap: 10px 14px;
  width: min(460px, 80vw);
  padding: 2px;
}

.tr-Form > .tr-Dim {
  grid-column: 1 / -1;
}

.tr-Form > label:not(.tr-Check) {
  display: grid;
  gap: 3px;
}

.tr-Isolation[data-tone='bad'] {
  border-color: var(--jp-error-color1);
}

.tr-Isolation:not([data-tone])::before {
  display: none;
}

.tr-Status-button {
  height: 100%;
  padding: 0 4px;
  border: none;
  background: transparent;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
`,""]),t.d(o,{},{A:n})},646(r,o,t){var e=t(601),a=t.n(e),i=t(314),n=t.n(i),l=t(475),p=t(724),d=t(316),s=t(11),c=n()(a());c.i(l.A),c.i(p.A),c.i(d.A),c.i(s.A),c.push([r.id,`
`,""]),t.d(o,{},{A:c})},316(r,o,t){var e=t(601),a=t.n(e),i=t(314),n=(t.n(i))()(a());n.push([r.id,`.tr-JobView,
.tr-JobView-inner {
  display: flex;
  flex-direction: column;
  height: 100%;
  min-height: 0;
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font-size: var(--jp-ui-font-size1);
}

.tr-Header {
  display: grid;
  flex: none;
  gap: 6px;
  padding: 10px 12px;
}

.tr-Header-line {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 4px 10px;
}

.tr-Header h2 {
  margin: 0;
  overflow-wrap: anywhere;
  font-size: var(--jp-ui-font-size2);
}

.tr-Header-why {
  overflow-wrap: anywhere;
}

.tr-Header-why[data-state='failed'] {
  color: var(--tr-bad);
}

/* Below a notebook, where nothing has a height of its own. */
.tr-mod-below {
  min-height: 360px;
}

.tr-Header-actions {
  display: flex;
  gap: 6px;
  padding: 2px;
  flex-wrap: wrap;
}

.tr-Header-actions .tr-Button {
  flex: none;
}

.tr-Tabs {
  display: flex;
  flex: none;
  padding: 0 12px;
  border-bottom: 1px solid var(--jp-border-color1);
  overflow-x: auto;
}

.tr-Tabs button {
  padding: 5px 12px;
  border: none;
  border-bottom: 2px solid transparent;
  background: transparent;
  color: var(--jp-ui-font-color1);
  font: inherit;
  cursor: pointer;
}

.tr-Tabs button[aria-selected='true'] {
  border-bottom-color: var(--jp-brand-color1);
  font-weight: 600;
}

.tr-Part {
  position: relative;
  display: flex;
  flex: 1 1 0;
  flex-direction: column;
  min-height: 0;
  overflow: auto;
}

.tr-Log,
.tr-Asm {
  display: flex;
  flex: 1 1 0;
  flex-direction: column;
  min-height: 0;
}

.tr-Log .tr-Empty {
  position: absolute;
  inset: 60px 0 auto;
  pointer-events: none;
}

.tr-Bar {
  display: flex;
  flex: none;
  flex-wrap: wrap;
  align-items: center;
  gap: 6px 10px;
  padding: 6px 12px;
  border-bottom: 1px solid var(--jp-border-color2);
}

.tr-Bar .tr-Input {
  flex: 1 1 120px;
  max-width: 260px;
}

.tr-Bar .tr-Select {
  max-width: 240px;
}

.tr-Bar-end {
  margin-left: auto;
}

.tr-Line {
  box-sizing: border-box;
  padding: 0 12px;
  line-height: 18px;
  white-space: pre;
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
  color: var(--jp-content-font-color1);
  tab-size: 8;
}

.tr-Line[data-stream='stderr'] {
  box-shadow: inset 3px 0 var(--jp-error-color1);
}

.tr-Line[data-stream='compile'] {
  box-shadow: inset 3px 0 var(--jp-warn-color1);
}

.tr-Line[data-stream='system'] {
  box-shadow: inset 3px 0 var(--jp-border-color1);
  color: var(--tr-dim);
}

.tr-Check[data-stream='stderr'],
.tr-Check[data-stream='compile'],
.tr-Check[data-stream='system'] {
  padding-left: 6px;
  border-left: 3px solid var(--jp-error-color1);
}

.tr-Check[data-stream='compile'] {
  border-left-color: var(--jp-warn-color1);
}

.tr-Check[data-stream='system'] {
  border-left-color: var(--jp-border-color1);
}

.tr-Line[data-match] {
  background: var(--jp-search-selected-match-background-color, var(--jp-warn-color3));
  color: var(--jp-search-selected-match-color, inherit);
}

.tr-bold {
  font-weight: bold;
}

.tr-dim {
  opacity: 0.7;
}

.tr-italic {
  font-style: italic;
}

.tr-underline {
  text-decoration: underline;
}

.tr-inverse {
  filter: invert(1);
  background: var(--jp-layout-color1);
}

.tr-fg-black {
  color: var(--tr-dim);
}

.tr-fg-red {
  color: color-mix(in srgb, var(--jp-error-color1) 66%, var(--jp-ui-font-color1));
}

.tr-fg-green {
  color: color-mix(in srgb, var(--jp-success-color1) 66%, var(--jp-ui-font-color1));
}

.tr-fg-yellow {
  color: color-mix(in srgb, var(--jp-warn-color1) 66%, var(--jp-ui-font-color1));
}

.tr-fg-blue {
  color: color-mix(in srgb, var(--jp-brand-color1) 66%, var(--jp-ui-font-color1));
}

.tr-fg-magenta {
  color: color-mix(in srgb, var(--jp-mirror-editor-meta-color) 66%, var(--jp-ui-font-color1));
}

.tr-fg-cyan {
  color: color-mix(in srgb, var(--jp-info-color1) 66%, var(--jp-ui-font-color1));
}

.tr-fg-white {
  color: var(--jp-ui-font-color0);
}

.tr-bg-black {
  background: var(--jp-layout-color3);
}

.tr-bg-red {
  background: var(--jp-error-color3);
}

.tr-bg-green {
  background: var(--jp-success-color3);
}

.tr-bg-yellow {
  background: var(--jp-warn-color3);
}

.tr-bg-blue,
.tr-bg-magenta,
.tr-bg-cyan {
  background: var(--jp-info-color3);
}

.tr-bg-white {
  background: var(--jp-layout-color3);
}

.tr-LineNumber {
  display: inline-block;
  box-sizing: border-box;
  width: 44px;
  padding-right: 12px;
  color: var(--tr-dim);
  text-align: right;
  user-select: none;
}

.tr-Diagnostic {
  background: var(--tr-raised);
  box-shadow: inset 3px 0 var(--jp-error-color1);
}

.tr-Diagnostic b {
  color: var(--tr-bad);
}

.tr-Diagnostic[data-severity='warning'] {
  box-shadow: inset 3px 0 var(--jp-warn-color1);
}

.tr-Diagnostic[data-severity='warning'] b,
.tr-Diagnostic[data-severity='note'] b {
  color: var(--jp-ui-font-color1);
}

.tr-Diagnostic[data-severity='note'] {
  box-shadow: inset 3px 0 var(--jp-info-color1);
}

.tr-Facts {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 4px;
  padding: 4px 12px 16px;
}

.tr-Section h3 {
  margin: 10px 0 6px;
  font-size: var(--jp-ui-font-size1);
}

.tr-Section dl {
  display: grid;
  grid-template-columns: max-content minmax(0, 1fr);
  gap: 3px 14px;
  margin: 0;
}

.tr-Section dt {
  color: var(--tr-dim);
}

.tr-Section dd {
  margin: 0;
  overflow-wrap: anywhere;
}

.tr-Command {
  margin: 2px 0 10px;
  padding: 6px 8px;
  overflow: auto;
  background: var(--jp-layout-color2);
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}

.tr-Timeline {
  display: flex;
  gap: 1px;
  height: 14px;
}

.tr-Timeline span {
  min-width: 3px;
}

.tr-Timeline-legend {
  display: flex;
  flex-wrap: wrap;
  gap: 2px 16px;
  margin: 6px 0 0;
  padding: 0;
  list-style: none;
}

.tr-Timeline-legend [data-phase]::before {
  content: '';
  display: inline-block;
  width: 9px;
  height: 9px;
  margin-right: 5px;
}

.tr-Timeline span,
.tr-Timeline-legend [data-phase]::before {
  background: var(--jp-border-color1);
}

.tr-Timeline span[data-phase='fetch'],
.tr-Timeline-legend [data-phase='fetch']::before {
  background: var(--jp-info-color3);
}

.tr-Timeline span[data-phase='compile'],
.tr-Timeline-legend [data-phase='compile']::before {
  background: var(--jp-warn-color1);
}

.tr-Timeline span[data-phase='wait_device'],
.tr-Timeline-legend [data-phase='wait_device']::before {
  background: var(--jp-accent-color1, var(--jp-border-color1));
}

.tr-Timeline span[data-phase='run'],
.tr-Timeline-legend [data-phase='run']::before {
  background: var(--jp-success-color1);
}

.tr-Timeline span[data-phase='collect'],
.tr-Timeline-legend [data-phase='collect']::before {
  background: var(--jp-info-color1);
}

.tr-Files {
  display: flex;
  flex-wrap: wrap;
  align-items: flex-start;
  gap: 12px;
  padding: 10px 12px;
}

.tr-Files > ul {
  flex: 1 1 240px;
  max-width: 420px;
  margin: 0;
  padding: 0;
  list-style: none;
}

.tr-Files li {
  display: flex;
  gap: 6px;
  margin-bottom: 2px;
}

.tr-Files-name {
  display: flex;
  flex: 1;
  gap: 10px;
  justify-content: space-between;
  min-width: 0;
  padding: 3px 6px;
  border: none;
  background: transparent;
  color: inherit;
  font: inherit;
  text-align: left;
  overflow-wrap: anywhere;
  cursor: pointer;
}

.tr-Files-name .tr-Dim {
  white-space: nowrap;
}

.tr-Files-name:hover,
.tr-Files-name[aria-pressed='true'] {
  background: var(--jp-layout-color2);
}

.tr-Preview {
  flex: 2 1 360px;
  min-width: 0;
  margin: 0;
  overflow: auto;
}

.tr-Preview img,
.tr-Preview canvas {
  max-width: 100%;
  image-rendering: auto;
}

.tr-Preview pre {
  margin: 0;
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
}

.tr-Panes {
  display: flex;
  flex: 1 1 0;
  min-height: 0;
  overflow: auto;
}

.tr-Asm {
  container-type: inline-size;
}

.tr-Asm > .tr-Dim {
  padding: 2px 12px;
}

@container (max-width: 640px) {
  .tr-Panes {
    flex-direction: column;
  }
}

.tr-Pane {
  display: flex;
  flex: 1 1 0;
  flex-direction: column;
  min-width: 200px;
  min-height: 100px;
  border-right: 1px solid var(--jp-border-color2);
}

.tr-Pane-title {
  flex: none;
  padding: 3px 12px;
  border-bottom: 1px solid var(--jp-border-color2);
  font-weight: 600;
  overflow: hidden;
  white-space: nowrap;
  text-overflow: ellipsis;
}

.tr-Pane .tr-Line {
  cursor: default;
}

.tr-Pane .tr-Line[data-header] {
  font-weight: bold;
}

.tr-Pane .tr-Line[data-hot] {
  box-shadow: inset 4px 0 var(--jp-brand-color1);
  outline: 1px solid var(--jp-brand-color1);
  outline-offset: -1px;
}

/* Translucent, so that text on them can be read in light and dark. */
.tr-src-0 {
  background: color-mix(in srgb, var(--jp-brand-color1) 22%, transparent);
}

.tr-src-1 {
  background: color-mix(in srgb, var(--jp-warn-color1) 22%, transparent);
}

.tr-src-2 {
  background: color-mix(in srgb, var(--jp-success-color1) 22%, transparent);
}

.tr-src-3 {
  background: color-mix(in srgb, var(--jp-mirror-editor-meta-color) 22%, transparent);
}

.tr-src-4 {
  background: color-mix(in srgb, var(--jp-info-color1) 22%, transparent);
}

.tr-src-5 {
  background: color-mix(in srgb, var(--jp-error-color1) 22%, transparent);
}

.tr-src-6 {
  background: color-mix(in srgb, var(--jp-mirror-editor-comment-color) 22%, transparent);
}

.tr-src-7 {
  background: color-mix(in srgb, var(--jp-ui-font-color2) 22%, transparent);
}
`,""]),t.d(o,{},{A:n})},11(r,o,t){var e=t(601),a=t.n(e),i=t(314),n=(t.n(i))()(a());n.push([r.id,`.tr-Output {
  position: relative;
  padding: 2px 0;
}

.tr-Output-actions {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 8px;
}

.tr-Output-actions .tr-Progress {
  flex: 0 1 160px;
}

.tr-Output[data-state='succeeded'] .tr-Output-bar,
.tr-Output[data-state='failed'] .tr-Output-bar,
.tr-Output[data-state='cancelled'] .tr-Output-bar {
  float: right;
  margin-left: 8px;
}

.tr-cm-magic {
  background: var(--jp-layout-color2);
  box-shadow: inset 3px 0 var(--jp-brand-color1);
}

.tr-cm-magic * {
  color: color-mix(in srgb, var(--jp-mirror-editor-meta-color) 40%, var(--jp-content-font-color1)) !important;
  font-style: normal;
}

.tr-cm-cuda {
  color: var(--jp-mirror-editor-builtin-color);
  font-weight: bold;
}

.tr-cm-hot {
  background: var(--jp-editor-selected-background, var(--jp-layout-color2));
  box-shadow: inset 4px 0 var(--jp-brand-color1);
}
`,""]),t.d(o,{},{A:n})},724(r,o,t){var e=t(601),a=t.n(e),i=t(314),n=(t.n(i))()(a());n.push([r.id,`.tr-Panel {
  display: flex;
  flex-direction: column;
  min-width: 220px;
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font-size: var(--jp-ui-font-size1);
}

.tr-Filter {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: 6px;
  padding: 8px;
  border-bottom: 1px solid var(--jp-border-color2);
}

.tr-Filter-title {
  display: flex;
  align-items: baseline;
  flex-wrap: wrap;
  gap: 2px 8px;
}

.tr-Filter-title h2 {
  margin: 0;
  font-size: var(--jp-ui-font-size2);
}

.tr-Filter-row button {
  margin-left: auto;
}

.tr-Filter-row {
  display: flex;
  gap: 6px;
}

.tr-Filter-row .tr-Select {
  flex: 1 1 0;
}

.tr-Job {
  position: relative;
  box-sizing: border-box;
  border-bottom: 1px solid var(--jp-border-color2);
}

.tr-Job:hover {
  background: var(--tr-raised);
}

.tr-Job-open {
  display: flex;
  flex-direction: column;
  justify-content: center;
  gap: 2px;
  width: 100%;
  height: 100%;
  padding: 0 8px;
  border: none;
  background: transparent;
  color: inherit;
  font: inherit;
  text-align: left;
  cursor: pointer;
}

.tr-Job:not([data-state='succeeded'], [data-state='failed'], [data-state='cancelled']) .tr-Job-open {
  padding-right: 40px;
}

.tr-Job-line {
  display: flex;
  align-items: center;
  gap: 6px;
  width: 100%;
  overflow: hidden;
  white-space: nowrap;
  text-overflow: ellipsis;
}

.tr-Job-line.tr-Dim,
.tr-Job-why {
  display: block;
}

.tr-Job-title {
  flex: 1;
  overflow: hidden;
  text-overflow: ellipsis;
  font-weight: 600;
}

.tr-Job-why[data-state='failed'] {
  color: var(--tr-bad);
}

.tr-Job-cancel {
  position: absolute;
  top: 12px;
  right: 8px;
}

.tr-Job > .tr-Progress {
  position: absolute;
  right: 8px;
  bottom: 1px;
  left: 8px;
}

.tr-Group {
  display: flex;
  align-items: center;
  gap: 6px;
  width: 100%;
  padding: 0 8px;
  border: none;
  border-bottom: 1px solid var(--jp-border-color2);
  background: var(--jp-layout-color2);
  color: inherit;
  font: inherit;
  font-weight: 600;
  text-align: left;
  cursor: pointer;
}

.tr-Group-name {
  flex: 1;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.tr-Executors {
  display: flex;
  flex-direction: column;
  overflow: auto;
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font-size: var(--jp-ui-font-size1);
}

.tr-Executors-list {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 340px), 1fr));
  gap: 12px;
  padding: 12px;
}

.tr-Card {
  padding: 10px 12px;
  border: 1px solid var(--jp-border-color2);
  border-radius: var(--jp-border-radius, 2px);
  overflow-wrap: anywhere;
}

.tr-Card[data-online='false'] {
  opacity: 0.75;
}

.tr-Device {
  display: grid;
  gap: 4px;
  margin-top: 4px;
}

.tr-Emulated.tr-Notice {
  margin: 0;
}

.tr-Charts {
  display: flex;
  flex-wrap: wrap;
  gap: 6px 14px;
}

.tr-Chart {
  flex: 0 1 122px;
  margin: 0;
}

.tr-Chart figcaption {
  display: flex;
  justify-content: space-between;
  gap: 6px;
  white-space: nowrap;
}

.tr-Chart svg {
  display: block;
  width: 100%;
  height: 30px;
}

.tr-Chart-line {
  fill: none;
  stroke: var(--jp-brand-color1);
  stroke-width: 1.5;
  stroke-linejoin: round;
  vector-effect: non-scaling-stroke;
}

.tr-Chart-base {
  stroke: var(--jp-border-color2);
  vector-effect: non-scaling-stroke;
}

.tr-Card h3 {
  flex: 1;
  margin: 0;
  font-size: var(--jp-ui-font-size2);
}

.tr-Card h4 {
  margin: 10px 0 2px;
}

.tr-Card ul {
  margin: 0;
  padding-left: 18px;
}

.tr-Labels {
  display: flex;
  flex-wrap: wrap;
  gap: 4px;
  margin-top: 10px;
}

.tr-Label {
  padding: 0 6px;
  border: 1px solid var(--jp-border-color1);
  border-radius: 9px;
}
`,""]),t.d(o,{},{A:n})},314(r){r.exports=function(r){var o=[];return o.toString=function(){return this.map(function(o){var t="",e=void 0!==o[5];return o[4]&&(t+="@supports (".concat(o[4],") {")),o[2]&&(t+="@media ".concat(o[2]," {")),e&&(t+="@layer".concat(o[5].length>0?" ".concat(o[5]):""," {")),t+=r(o),e&&(t+="}"),o[2]&&(t+="}"),o[4]&&(t+="}"),t}).join("")},o.i=function(r,t,e,a,i){"string"==typeof r&&(r=[[null,r,void 0]]);var n={};if(e)for(var l=0;l<this.length;l++){var p=this[l][0];null!=p&&(n[p]=!0)}for(var d=0;d<r.length;d++){var s=[].concat(r[d]);e&&n[s[0]]||(void 0!==i&&(void 0===s[5]||(s[1]="@layer".concat(s[5].length>0?" ".concat(s[5]):""," {").concat(s[1],"}")),s[5]=i),t&&(s[2]&&(s[1]="@media ".concat(s[2]," {").concat(s[1],"}")),s[2]=t),a&&(s[4]?(s[1]="@supports (".concat(s[4],") {").concat(s[1],"}"),s[4]=a):s[4]="".concat(a)),o.push(s))}},o}},601(r){r.exports=function(r){return r[1]}},72(r){var o=[];function t(r){for(var t=-1,e=0;e<o.length;e++)if(o[e].identifier===r){t=e;break}return t}function e(r,e){for(var a={},i=[],n=0;n<r.length;n++){var l=r[n],p=e.base?l[0]+e.base:l[0],d=a[p]||0,s="".concat(p," ").concat(d);a[p]=d+1;var c=t(s),u={css:l[1],media:l[2],sourceMap:l[3],supports:l[4],layer:l[5]};if(-1!==c)o[c].references++,o[c].updater(u);else{var f=function(r,o){var t=o.domAPI(o);return t.update(r),function(o){o?(o.css!==r.css||o.media!==r.media||o.sourceMap!==r.sourceMap||o.supports!==r.supports||o.layer!==r.layer)&&t.update(r=o):t.remove()}}(u,e);e.byIndex=n,o.splice(n,0,{identifier:s,updater:f,references:1})}i.push(s)}return i}r.exports=function(r,a){var i=e(r=r||[],a=a||{});return function(r){r=r||[];for(var n=0;n<i.length;n++){var l=t(i[n]);o[l].references--}for(var p=e(r,a),d=0;d<i.length;d++){var s=t(i[d]);0===o[s].references&&(o[s].updater(),o.splice(s,1))}i=p}}},659(r){var o={};r.exports=function(r,t){var e=function(r){if(void 0===o[r]){var t=document.querySelector(r);if(window.HTMLIFrameElement&&t instanceof window.HTMLIFrameElement)try{t=t.contentDocument.head}catch(r){t=null}o[r]=t}return o[r]}(r);if(!e)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");e.appendChild(t)}},540(r){r.exports=function(r){var o=document.createElement("style");return r.setAttributes(o,r.attributes),r.insert(o,r.options),o}},56(r,o,t){r.exports=function(r){var o=t.nc;o&&r.setAttribute("nonce",o)}},206(r){r.exports=function(r){if("u"<typeof document)return{update:function(){},remove:function(){}};var o=r.insertStyleElement(r);return{update:function(t){var e,a,i;e="",t.supports&&(e+="@supports (".concat(t.supports,") {")),t.media&&(e+="@media ".concat(t.media," {")),(a=void 0!==t.layer)&&(e+="@layer".concat(t.layer.length>0?" ".concat(t.layer):""," {")),e+=t.css,a&&(e+="}"),t.media&&(e+="}"),t.supports&&(e+="}"),(i=t.sourceMap)&&"u">typeof btoa&&(e+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(i))))," */")),r.styleTagTransform(e,o,r.options)},remove:function(){var r;null===(r=o).parentNode||r.parentNode.removeChild(r)}}}},113(r){r.exports=function(r,o){if(o.styleSheet)o.styleSheet.cssText=r;else{for(;o.firstChild;)o.removeChild(o.firstChild);o.appendChild(document.createTextNode(r))}}},959(r,o,t){var e=t(72),a=t.n(e),i=t(206),n=t.n(i),l=t(659),p=t.n(l),d=t(56),s=t.n(d),c=t(540),u=t.n(c),f=t(113),x=t.n(f),g=t(646),b={};b.styleTagTransform=x(),b.setAttributes=s(),b.insert=p().bind(null,"head"),b.domAPI=n(),b.insertStyleElement=u(),a()(g.A,b),g.A&&g.A.locals&&g.A.locals}}]);