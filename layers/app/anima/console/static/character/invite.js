// An avatar that is made here: it joins the house, and the page goes to it.

import { post } from '../js/api.js';
import { avatars, loadHouse } from '../js/house.js';
import { go } from '../js/route.js';

/** @import { AvatarAnswer } from '../js/types.js' */

/** @param {string} name @param {string | Record<string, any>} personality */
export async function invite(name, personality) {
  /** @type {AvatarAnswer} */
  const avatar = await post('/avatars', { name, personality });
  avatars.value = [...(avatars.value ?? []), avatar];
  go({ place: 'chat', avatar: avatar.avatar_id });
}

/** Reads the house anew after somebody came in by a file, and goes there. @param {string} avatarId */
export async function welcome(avatarId) {
  await loadHouse();
  go({ place: 'avatar', avatar: avatarId });
}
