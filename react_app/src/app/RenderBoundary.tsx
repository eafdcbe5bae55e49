import { Component, type ReactNode } from "react";

import { explain } from "../lib/api/errors";
import { Notice } from "../lib/ui/Notice";

interface Props {
  /** The address: another one is another attempt. */
  place: string;
  children: ReactNode;
}

/** An error while drawing leaves the frame of the page standing and says what to do. */
export class RenderBoundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidUpdate({ place }: Props): void {
    if (place !== this.props.place) this.setState({ error: undefined });
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children;
    const { title, advice, canRetry } = explain(this.state.error);
    return (
      <Notice
        title={title}
        advice={advice}
        action={{
          label: canRetry ? "Try again" : "Reload",
          run: () => {
            // Without a connection a reload would take away what can still be read.
            if (navigator.onLine) window.location.reload();
          },
        }}
      />
    );
  }
}
