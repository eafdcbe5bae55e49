import { Component, type ReactNode } from "react";

import { explain } from "../lib/api/errors";
import { Notice } from "../lib/ui/Notice";

/** An error while drawing leaves the frame of the page standing and says what to do. */
export class RenderBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    const { title, advice } = explain(this.state.error);
    return (
      <Notice
        title={title}
        advice={advice}
        action={{
          label: "Reload",
          run: () => {
            window.location.reload();
          },
        }}
      />
    );
  }
}
