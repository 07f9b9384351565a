// A component that is drawn again only where its properties say something new.

import { Component, h } from 'preact';

/**
 * @template P
 * @param {(props: P) => any} View
 * @param {(before: P, after: P) => boolean} same
 * @returns {new (props: P) => Component<P>}
 */
export function memo(View, same) {
  return class extends Component {
    /** @param {any} next */
    shouldComponentUpdate(next) {
      return !same(/** @type {any} */ (this.props), next);
    }

    render() {
      return h(/** @type {any} */ (View), this.props);
    }
  };
}
